SELECT position, count(*)
FROM (SELECT position FROM events UNION ALL SELECT position FROM samples) AS entries
GROUP BY position HAVING count(*) > 1 OR position <= 0
ORDER BY position
