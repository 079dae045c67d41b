-- Placement agents, and what inspectors and the regulator found and decided about them.

CREATE OR REPLACE VIEW {views}.agent AS
SELECT subject.subject,
       split_part(subject.subject, '/', 2) AS agent_id,
       subject.state ->> 'name' AS name,
       subject.state ->> 'licence' AS licence,
       (subject.state ->> 'valid_to')::date AS valid_to,
       (SELECT min(from_date)
          FROM sanction
         WHERE sanction.subject = subject.subject AND level = 'REVOCATION') AS revoked_from,
       (subject.state ->> 'deposit')::numeric(18, 2) AS deposit,
       coalesce(
           (SELECT sum(decided_amount)
              FROM deposit_draw
             WHERE deposit_draw.subject = subject.subject AND status = 'APPROVED'),
           0
       )::numeric(18, 2) AS deposit_drawn,
       (subject.state ->> 'sanctions')::integer AS sanctions,
       (subject.state ->> 'inspections')::integer AS inspections,
       subject.state ->> 'timezone' AS timezone,
       subject.last_recorded_at
  FROM subject
 WHERE subject.kind = 'agent' AND subject.state IS NOT NULL;

COMMENT ON VIEW {views}.agent IS 'Placement agents as they are now (P3MI). Whether one may work depends on the day: in this order REVOKED from revoked_from on, SUSPENDED while a row of sanction suspends it, EXPIRED after valid_to, else ACTIVE.';
COMMENT ON COLUMN {views}.agent.subject IS 'The agent''s stream of events, agent/ID (pokok perkara).';
COMMENT ON COLUMN {views}.agent.agent_id IS 'Its id without the kind (nomor P3MI).';
COMMENT ON COLUMN {views}.agent.name IS 'Name of the company (nama perusahaan).';
COMMENT ON COLUMN {views}.agent.licence IS 'Number of its licence (SIP3MI).';
COMMENT ON COLUMN {views}.agent.valid_to IS 'Last day of the licence (berlaku sampai).';
COMMENT ON COLUMN {views}.agent.revoked_from IS 'First day without licence, for ever; null if it was not revoked (izin dicabut sejak).';
COMMENT ON COLUMN {views}.agent.deposit IS 'Deposit as registered (deposito).';
COMMENT ON COLUMN {views}.agent.deposit_drawn IS 'Sum of the approved draws on it (deposito dicairkan).';
COMMENT ON COLUMN {views}.agent.sanctions IS 'How many sanctions were decided (jumlah sanksi).';
COMMENT ON COLUMN {views}.agent.inspections IS 'How often it was inspected (jumlah pemeriksaan).';
COMMENT ON COLUMN {views}.agent.timezone IS 'Time zone in which its dates are meant (zona waktu).';
COMMENT ON COLUMN {views}.agent.last_recorded_at IS 'When the last of its events was recorded (terakhir tercatat).';

CREATE OR REPLACE VIEW {views}.sanction AS
SELECT subject, n, level, ground, from_date, to_date, decided_at, lifted_at
  FROM sanction;

COMMENT ON VIEW {views}.sanction IS 'What the regulator decided against placement agents (sanksi). A suspension suspends at T if T''s local date is from from_date to to_date and it was not lifted by T.';
COMMENT ON COLUMN {views}.sanction.subject IS 'The agent, agent/ID (pokok perkara).';
COMMENT ON COLUMN {views}.sanction.n IS 'Number of the sanction of the agent, from 1 (nomor urut).';
COMMENT ON COLUMN {views}.sanction.level IS 'WARNING, SUSPENSION or REVOCATION (tingkat sanksi).';
COMMENT ON COLUMN {views}.sanction.ground IS 'Why (dasar sanksi).';
COMMENT ON COLUMN {views}.sanction.from_date IS 'First day (mulai tanggal).';
COMMENT ON COLUMN {views}.sanction.to_date IS 'Last day; null if it has none (sampai tanggal).';
COMMENT ON COLUMN {views}.sanction.decided_at IS 'When it was decided (waktu putusan).';
COMMENT ON COLUMN {views}.sanction.lifted_at IS 'When a suspension was lifted; null if it was not (waktu pencabutan sanksi).';

CREATE OR REPLACE VIEW {views}.inspection AS
SELECT subject, n, agency, severity, findings, about_case, inspected_at
  FROM inspection;

COMMENT ON VIEW {views}.inspection IS 'Inspections of placement agents (pemeriksaan P3MI).';
COMMENT ON COLUMN {views}.inspection.subject IS 'The agent, agent/ID (pokok perkara).';
COMMENT ON COLUMN {views}.inspection.n IS 'Number of the inspection of the agent, from 1 (nomor urut).';
COMMENT ON COLUMN {views}.inspection.agency IS 'Agency that inspected (instansi pemeriksa).';
COMMENT ON COLUMN {views}.inspection.severity IS 'NONE, MINOR, MAJOR or CRITICAL (bobot temuan).';
COMMENT ON COLUMN {views}.inspection.findings IS 'What was found, in words (temuan).';
COMMENT ON COLUMN {views}.inspection.about_case IS 'Case that it was made for; null if none (kasus).';
COMMENT ON COLUMN {views}.inspection.inspected_at IS 'When (waktu pemeriksaan).';

CREATE OR REPLACE VIEW {views}.deposit_draw AS
SELECT subject, n, draw_id, agency, amount, about_case, reason, proposed_at, status,
       decided_amount, decided_at
  FROM deposit_draw;

COMMENT ON VIEW {views}.deposit_draw IS 'Proposals to pay from the deposits of placement agents (pencairan deposito).';
COMMENT ON COLUMN {views}.deposit_draw.subject IS 'The agent, agent/ID (pokok perkara).';
COMMENT ON COLUMN {views}.deposit_draw.n IS 'Number of the proposal of the agent, from 1 (nomor urut).';
COMMENT ON COLUMN {views}.deposit_draw.draw_id IS 'Its id, if the proposal gave one (nomor pencairan).';
COMMENT ON COLUMN {views}.deposit_draw.agency IS 'Custodian that proposed it (instansi pengusul).';
COMMENT ON COLUMN {views}.deposit_draw.amount IS 'How much it asked for (jumlah diusulkan).';
COMMENT ON COLUMN {views}.deposit_draw.about_case IS 'Case that it is for (kasus).';
COMMENT ON COLUMN {views}.deposit_draw.reason IS 'Why, in words (alasan).';
COMMENT ON COLUMN {views}.deposit_draw.proposed_at IS 'When it was proposed (waktu usul).';
COMMENT ON COLUMN {views}.deposit_draw.status IS 'PROPOSED, APPROVED or REFUSED (status).';
COMMENT ON COLUMN {views}.deposit_draw.decided_amount IS 'How much was decided (jumlah diputuskan).';
COMMENT ON COLUMN {views}.deposit_draw.decided_at IS 'When it was decided (waktu putusan).';
