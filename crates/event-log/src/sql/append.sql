SELECT base, stamp, verdicts, versions, positions, taken, takers
FROM append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::text[]::json[], $13::text[]::json[], $14, $15,
            $16::text[]::json[], $17, $18, $19, $20)
