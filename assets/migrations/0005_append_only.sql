-- Rows of the audit and of the chain over it are added, never changed and never
-- removed: not by a mistake in a program, and not by somebody with a database
-- client who has not dropped these triggers first. The sealer adds a seal and
-- takes the mark of `audit_unsealed`; it changes neither table.
-- Between {{sqlite}} or {{postgres}} and {{end}} stand the words of one database.
{{sqlite}}
CREATE TRIGGER audit_not_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'rows of audit are added, never changed or removed');
END;
CREATE TRIGGER audit_not_removed BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'rows of audit are added, never changed or removed');
END;
CREATE TRIGGER audit_seal_not_changed BEFORE UPDATE ON audit_seal
BEGIN
    SELECT RAISE(ABORT, 'rows of audit_seal are added, never changed or removed');
END;
CREATE TRIGGER audit_seal_not_removed BEFORE DELETE ON audit_seal
BEGIN
    SELECT RAISE(ABORT, 'rows of audit_seal are added, never changed or removed');
END;
{{postgres}}
-- A restore drops the tables, and this stays.
CREATE OR REPLACE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $stays$
BEGIN
    RAISE EXCEPTION 'rows of % are added, never changed or removed', TG_TABLE_NAME;
END
$stays$;
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_seal_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seal
    FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();
{{end}}
