-- Made when the rows are there: a rebuild fills its tables without them. Each filter has one that also gives the order.
CREATE INDEX entry_of_people ON entry (position) WHERE NOT of_system;
CREATE INDEX entry_by_actor ON entry (actor, position);
CREATE INDEX entry_by_kind ON entry (kind, position) WHERE NOT of_system;
CREATE INDEX entry_by_subject ON entry (subject, position);
CREATE INDEX entry_by_recorded_at ON entry (recorded_at) WHERE NOT of_system;
