-- One-stop centres, productive villages, and outreach.

CREATE OR REPLACE VIEW {views}.service_point AS
SELECT subject,
       split_part(subject, '/', 2) AS programme_id,
       state -> 'service_point' ->> 'status' AS status,
       state -> 'service_point' ->> 'kind' AS kind,
       state -> 'service_point' ->> 'name' AS name,
       state -> 'service_point' ->> 'region' AS region,
       ARRAY(SELECT jsonb_array_elements_text(state -> 'service_point' -> 'desks')) AS desks,
       ARRAY(SELECT jsonb_array_elements_text(state -> 'service_point' -> 'pillars')) AS pillars,
       (state ->> 'outreach')::integer AS outreach,
       last_recorded_at
  FROM subject
 WHERE kind = 'programme' AND state ->> 'service_point' IS NOT NULL;

COMMENT ON VIEW {views}.service_point IS 'Where people are served, as the registrar described it last: one-stop centres and productive villages (LTSA, Desmigratif).';
COMMENT ON COLUMN {views}.service_point.subject IS 'The programme''s stream of events, programme/ID (pokok perkara).';
COMMENT ON COLUMN {views}.service_point.programme_id IS 'Its id without the kind (nomor program).';
COMMENT ON COLUMN {views}.service_point.status IS 'PLANNED, ACTIVE, SUSPENDED or CLOSED (status).';
COMMENT ON COLUMN {views}.service_point.kind IS 'LTSA or DESMIGRATIF (jenis).';
COMMENT ON COLUMN {views}.service_point.name IS 'Its name (nama).';
COMMENT ON COLUMN {views}.service_point.region IS 'Where it is (wilayah).';
COMMENT ON COLUMN {views}.service_point.desks IS 'Desks of a one-stop centre, sorted (loket).';
COMMENT ON COLUMN {views}.service_point.pillars IS 'Pillars of a productive village, sorted (pilar).';
COMMENT ON COLUMN {views}.service_point.outreach IS 'How many outreach activities it held (jumlah penjangkauan).';
COMMENT ON COLUMN {views}.service_point.last_recorded_at IS 'When the last of its events was recorded (terakhir tercatat).';

CREATE OR REPLACE VIEW {views}.outreach AS
SELECT subject, n, agency, kind, phase, region, participants, partners, held_at
  FROM outreach;

COMMENT ON VIEW {views}.outreach IS 'Occasions on which a programme reached people (penjangkauan).';
COMMENT ON COLUMN {views}.outreach.subject IS 'The programme, programme/ID (pokok perkara).';
COMMENT ON COLUMN {views}.outreach.n IS 'Number of the occasion within the programme, from 1 (nomor urut).';
COMMENT ON COLUMN {views}.outreach.agency IS 'Agency that held it (instansi penyelenggara).';
COMMENT ON COLUMN {views}.outreach.kind IS 'SOCIALISATION, TRAINING, COUNSELLING or MARKET_INFORMATION (jenis kegiatan).';
COMMENT ON COLUMN {views}.outreach.phase IS 'BEFORE, DURING or AFTER work (tahap).';
COMMENT ON COLUMN {views}.outreach.region IS 'Where (wilayah).';
COMMENT ON COLUMN {views}.outreach.participants IS 'How many people took part (peserta).';
COMMENT ON COLUMN {views}.outreach.partners IS 'Agencies that helped, sorted (mitra).';
COMMENT ON COLUMN {views}.outreach.held_at IS 'When (waktu kegiatan).';
