INSERT INTO torrent (
    id, info_hash_v1, info_hash_v2, name, name_key, status, size_bytes, size_key, wanted_bytes, wanted_done_bytes,
    downloaded_bytes, uploaded_bytes, totals_position, added_at, completed_at, save_path, error_code, error_detail,
    selection, download_limit_bytes_per_second, upload_limit_bytes_per_second, sequential, version, position,
    share_limits, fsops, fsops_pending
)
SELECT id, info_hash_v1, info_hash_v2, name, name_key, status, size_bytes, coalesce(size_bytes, -1), wanted_bytes,
       wanted_done_bytes, downloaded_bytes, uploaded_bytes, totals_position, added_at, completed_at, save_path,
       error_code, error_detail, selection::json, download_limit, upload_limit, sequential, version, position,
       share_limits::json, fsops::json, fsops_pending
FROM unnest(
    $1::text[], $2::bytea[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::timestamptz[], $14::timestamptz[],
    $15::text[], $16::text[], $17::text[], $18::text[], $19::bigint[], $20::bigint[], $21::boolean[],
    $22::bigint[], $23::bigint[], $24::text[], $25::text[], $26::boolean[]
) AS changed (
    id, info_hash_v1, info_hash_v2, name, name_key, status, size_bytes, wanted_bytes,
    wanted_done_bytes, downloaded_bytes, uploaded_bytes, totals_position, added_at, completed_at,
    save_path, error_code, error_detail, selection, download_limit, upload_limit, sequential,
    version, position, share_limits, fsops, fsops_pending
)
ON CONFLICT (id) DO UPDATE SET
    info_hash_v1 = excluded.info_hash_v1,
    info_hash_v2 = excluded.info_hash_v2,
    name = excluded.name,
    name_key = excluded.name_key,
    status = excluded.status,
    size_bytes = excluded.size_bytes,
    size_key = excluded.size_key,
    wanted_bytes = excluded.wanted_bytes,
    wanted_done_bytes = excluded.wanted_done_bytes,
    downloaded_bytes = excluded.downloaded_bytes,
    uploaded_bytes = excluded.uploaded_bytes,
    totals_position = excluded.totals_position,
    added_at = excluded.added_at,
    completed_at = excluded.completed_at,
    save_path = excluded.save_path,
    error_code = excluded.error_code,
    error_detail = excluded.error_detail,
    selection = excluded.selection,
    download_limit_bytes_per_second = excluded.download_limit_bytes_per_second,
    upload_limit_bytes_per_second = excluded.upload_limit_bytes_per_second,
    share_limits = excluded.share_limits,
    sequential = excluded.sequential,
    fsops = excluded.fsops,
    fsops_pending = excluded.fsops_pending,
    version = excluded.version,
    position = excluded.position
