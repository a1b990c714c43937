SELECT file_lists.body AS files, file_priorities.runs
FROM torrent_files.file_priorities
JOIN public.file_lists ON file_lists.torrent_id = file_priorities.torrent_id
WHERE file_priorities.torrent_id = $1
