-- A role for a service that does not own the schema: it reads everything and appends by the functions alone.
--
-- It is made where the migrating role may make roles, and left out elsewhere: the triggers on the log hold for the owner
-- of the tables too, so this is a second fence and not the first.

REVOKE EXECUTE ON FUNCTION take_positions, append, append_samples, make_sample_partition, drop_sample_partition
    FROM PUBLIC;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'revaer_service') THEN
        BEGIN
            CREATE ROLE revaer_service NOLOGIN;
        EXCEPTION
            WHEN insufficient_privilege THEN
                RAISE NOTICE 'the role revaer_service is left out: % may not make roles', current_user;
                RETURN;
            -- Roles belong to the whole server: another database was migrated at the same time.
            WHEN duplicate_object OR unique_violation THEN
                NULL;
        END;
    END IF;
    GRANT USAGE ON SCHEMA public TO revaer_service;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO revaer_service;
    GRANT DELETE ON commands TO revaer_service; -- A repeat is remembered for a time, not for ever.
    GRANT INSERT, UPDATE, DELETE ON checkpoints, metainfo, file_lists, resume_data, session_state TO revaer_service;
    GRANT EXECUTE ON FUNCTION append, append_samples, make_sample_partition, drop_sample_partition TO revaer_service;
END $$;
