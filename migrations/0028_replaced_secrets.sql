-- A secret that the settings gave up is kept for a time (`retention.replaced_secrets_hours`), so that its change can be taken
-- back, and is removed then: whoever replaces a password does not expect the old one to be kept for ever.

-- Since when the settings do not name it; null while they do. A row from before is looked at by the next sweep.
ALTER TABLE secrets ADD COLUMN unused_since timestamptz;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'revaer_service') THEN
        GRANT UPDATE (unused_since), DELETE ON secrets TO revaer_service;
    END IF;
END $$;
