SELECT verdict, last_position, version_after, recorded_at, claim, held_by
FROM append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
