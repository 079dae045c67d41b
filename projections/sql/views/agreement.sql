-- Agreements between agencies: clauses, fines. Periods of clauses are commitments of the kind CLAUSE.

CREATE OR REPLACE VIEW {views}.agreement AS
SELECT subject,
       split_part(subject, '/', 2) AS agreement_id,
       state ->> 'status' AS status,
       state ->> 'title' AS title,
       ARRAY(SELECT jsonb_array_elements_text(state -> 'parties')) AS parties,
       state ->> 'secretariat' AS secretariat,
       ARRAY(SELECT jsonb_array_elements_text(state -> 'signed')) AS signed,
       (state ->> 'signed_on')::date AS signed_on,
       (state ->> 'valid_to')::date AS valid_to,
       state ->> 'timezone' AS timezone,
       state ->> 'fund' AS fund,
       (state ->> 'fund_balance')::numeric(18, 2) AS fund_balance,
       state -> 'schedule' -> 0 ->> 'currency' AS currency,
       (state ->> 'open_commitments')::integer AS open_commitments,
       last_recorded_at
  FROM subject
 WHERE kind = 'agreement' AND state IS NOT NULL;

COMMENT ON VIEW {views}.agreement IS 'Agreements between agencies as they are now (perjanjian kerja sama, PKS, MoU).';
COMMENT ON COLUMN {views}.agreement.subject IS 'The agreement''s stream of events, agreement/ID (pokok perkara).';
COMMENT ON COLUMN {views}.agreement.agreement_id IS 'Its id without the kind (nomor perjanjian).';
COMMENT ON COLUMN {views}.agreement.status IS 'PROPOSED, ACTIVE or ENDED by an event; past valid_to it has ended whatever stands here (status).';
COMMENT ON COLUMN {views}.agreement.title IS 'What it is about (perihal).';
COMMENT ON COLUMN {views}.agreement.parties IS 'Agencies that are to sign, sorted (para pihak).';
COMMENT ON COLUMN {views}.agreement.secretariat IS 'Agency that keeps it: fines, fund, end (sekretariat).';
COMMENT ON COLUMN {views}.agreement.signed IS 'Parties that have signed, sorted (sudah menandatangani).';
COMMENT ON COLUMN {views}.agreement.signed_on IS 'Local date of the last signature; null until all have signed (tanggal penandatanganan).';
COMMENT ON COLUMN {views}.agreement.valid_to IS 'Last day on which it is in force; null if it has none (berlaku sampai).';
COMMENT ON COLUMN {views}.agreement.timezone IS 'Time zone in which its dates are meant (zona waktu).';
COMMENT ON COLUMN {views}.agreement.fund IS 'Name of the fund that fines are paid into (dana).';
COMMENT ON COLUMN {views}.agreement.fund_balance IS 'Fines paid less what was disbursed (saldo dana).';
COMMENT ON COLUMN {views}.agreement.currency IS 'Currency of its amounts, ISO 4217; null without fines (mata uang).';
COMMENT ON COLUMN {views}.agreement.open_commitments IS 'Commitments on it that are OPEN or REPORTED (komitmen terbuka).';
COMMENT ON COLUMN {views}.agreement.last_recorded_at IS 'When the last of its events was recorded (terakhir tercatat).';

CREATE OR REPLACE VIEW {views}.agreement_clause AS
SELECT subject.subject, clause.clause_id, clause.text, clause.debtor, clause.every_days
  FROM subject
 CROSS JOIN LATERAL jsonb_to_recordset(subject.state -> 'clauses')
         AS clause (clause_id text, text text, debtor text, every_days integer)
 WHERE subject.kind = 'agreement';

COMMENT ON VIEW {views}.agreement_clause IS 'What each party promises in an agreement (pasal perjanjian).';
COMMENT ON COLUMN {views}.agreement_clause.subject IS 'The agreement, agreement/ID (pokok perkara).';
COMMENT ON COLUMN {views}.agreement_clause.clause_id IS 'Its id within the agreement (nomor pasal).';
COMMENT ON COLUMN {views}.agreement_clause.text IS 'What it says (isi pasal).';
COMMENT ON COLUMN {views}.agreement_clause.debtor IS 'Party that has to do it (penanggung jawab, PIC).';
COMMENT ON COLUMN {views}.agreement_clause.every_days IS 'After how many days it is due again; null if it does not recur (berulang tiap hari).';

CREATE OR REPLACE VIEW {views}.fine AS
SELECT fine.subject, fine.fine_id, fine.debtor, fine.clause_id, fine.cause, fine.amount,
       fine.currency, fine.status, fine.imposed_at, payment.due_at,
       payment.status IN ('OPEN', 'REPORTED') AS is_owed,
       fine.was_contested, fine.settled_at
  FROM fine
  LEFT JOIN commitment AS payment
         ON payment.subject = fine.subject
        AND payment.commitment_id = 'FINE_PAYMENT:' || fine.fine_id || ':' || fine.debtor;

COMMENT ON VIEW {views}.fine IS 'Fines under agreements (denda).';
COMMENT ON COLUMN {views}.fine.subject IS 'The agreement, agreement/ID (pokok perkara).';
COMMENT ON COLUMN {views}.fine.fine_id IS 'Its id within the agreement (nomor denda).';
COMMENT ON COLUMN {views}.fine.debtor IS 'Party that has to pay (pihak yang didenda).';
COMMENT ON COLUMN {views}.fine.clause_id IS 'Clause that was broken (nomor pasal).';
COMMENT ON COLUMN {views}.fine.cause IS 'Event or commitment that it is for (penyebab).';
COMMENT ON COLUMN {views}.fine.amount IS 'How much, by the schedule (jumlah).';
COMMENT ON COLUMN {views}.fine.currency IS 'Currency, ISO 4217 (mata uang).';
COMMENT ON COLUMN {views}.fine.status IS 'IMPOSED, CONTESTED, UPHELD, WAIVED or PAID (status).';
COMMENT ON COLUMN {views}.fine.imposed_at IS 'When it was imposed (waktu dijatuhkan).';
COMMENT ON COLUMN {views}.fine.due_at IS 'Until when it has to be paid; null where no protocol was known (tenggat).';
COMMENT ON COLUMN {views}.fine.is_owed IS 'Still to be paid; overdue at T is is_owed AND due_at < T (masih terutang).';
COMMENT ON COLUMN {views}.fine.was_contested IS 'Whether the debtor ever contested it (pernah disanggah).';
COMMENT ON COLUMN {views}.fine.settled_at IS 'When it was paid or waived (waktu selesai).';
