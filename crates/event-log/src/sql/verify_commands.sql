-- A command's facts lie side by side. One that changed nothing names the fact that was its stream's last, if there was one.
SELECT command.command_id, command.stream_id, command.first_position, command.last_position, command.event_count,
       command.version_after
FROM commands AS command
LEFT JOIN events AS last ON last.position = command.last_position AND last.stream_id = command.stream_id
LEFT JOIN LATERAL (
    SELECT count(*) AS facts FROM events
    WHERE events.position BETWEEN command.first_position AND command.last_position
      AND events.command_id = command.command_id AND events.stream_id = command.stream_id
) AS made ON command.event_count > 0
WHERE coalesce(last.version, 0) <> command.version_after
   OR (command.last_position > 0 AND last.position IS NULL)
   OR CASE WHEN command.event_count > 0
           THEN made.facts <> command.event_count
                OR command.last_position - command.first_position + 1 <> command.event_count
           ELSE command.first_position <> 0 END
ORDER BY command.last_position, command.command_id
