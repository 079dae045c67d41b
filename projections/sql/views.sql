-- The stable views for psql, Grafana, Metabase and Superset; every column has a comment.
-- CREATE OR REPLACE on purpose: PostgreSQL itself refuses to drop, rename or retype a column of a
-- view, so new ones go to the end. No view reads a clock: what is overdue at T is
-- `is_owed AND due_at < T`. {views} and {model} are the schemas of the settings.

CREATE OR REPLACE VIEW {views}.case_current AS
SELECT subject.subject,
       split_part(subject.subject, '/', 2) AS case_id,
       state ->> 'status' AS status,
       state ->> 'status' NOT IN ('CLOSED', 'REJECTED', 'MERGED') AS is_open,
       state ->> 'custodian' AS custodian,
       (state -> 'interval' ->> 'started_at')::timestamptz AS custodian_since,
       state ->> 'reporter' AS reporter,
       state ->> 'category' AS category,
       state ->> 'urgency' AS urgency,
       state ->> 'phase' AS phase,
       state ->> 'country' AS country,
       (state ->> 'trafficking')::boolean AS trafficking,
       ARRAY(SELECT jsonb_array_elements_text(state -> 'participants')) AS participants,
       transfer.transfer_id AS open_transfer_id,
       transfer.to_agency AS open_transfer_to,
       (state ->> 'failed_offers')::integer >= 2 AS escalation_due,
       state ->> 'arbiter' AS arbiter,
       ARRAY(SELECT jsonb_array_elements_text(state -> 'locally_closed_by')) AS locally_closed_by,
       state ->> 'merged_into' AS merged_into,
       (state ->> 'absorbed')::integer AS absorbed,
       (state ->> 'open_commitments')::integer AS open_commitments,
       (state ->> 'opened_at')::timestamptz AS opened_at,
       (state ->> 'closed_at')::timestamptz AS closed_at,
       subject.events,
       subject.irregular,
       subject.duplicate,
       subject.corrected,
       subject.last_recorded_at
  FROM {model}.subject
  LEFT JOIN {model}.transfer
         ON transfer.subject = subject.subject
        AND transfer.transfer_id = state ->> 'open_transfer'
 WHERE subject.kind = 'case' AND state IS NOT NULL;

COMMENT ON VIEW {views}.case_current IS 'Cases as they are now (kasus): one row a case that an effective CaseReported created.';
COMMENT ON COLUMN {views}.case_current.subject IS 'The case''s stream of events, case/ID (pokok perkara).';
COMMENT ON COLUMN {views}.case_current.case_id IS 'Its id without the kind (nomor kasus).';
COMMENT ON COLUMN {views}.case_current.status IS 'REPORTED, IN_HANDLING, RESOLVED, CLOSED, REJECTED or MERGED (status).';
COMMENT ON COLUMN {views}.case_current.is_open IS 'Neither closed, rejected nor merged (masih terbuka).';
COMMENT ON COLUMN {views}.case_current.custodian IS 'Agency responsible now, or last if the case has ended (penanggung jawab kasus).';
COMMENT ON COLUMN {views}.case_current.custodian_since IS 'Since when it is responsible (sejak).';
COMMENT ON COLUMN {views}.case_current.reporter IS 'Agency that recorded the complaint (instansi pencatat pengaduan).';
COMMENT ON COLUMN {views}.case_current.category IS 'What the complaint is about (kategori pengaduan).';
COMMENT ON COLUMN {views}.case_current.urgency IS 'IMMEDIATE, URGENT or NORMAL (derajat).';
COMMENT ON COLUMN {views}.case_current.phase IS 'BEFORE, DURING or AFTER work (tahap).';
COMMENT ON COLUMN {views}.case_current.country IS 'Country, ISO 3166 alpha-2 (negara).';
COMMENT ON COLUMN {views}.case_current.trafficking IS 'Whether there are indications of trafficking (TPPO).';
COMMENT ON COLUMN {views}.case_current.participants IS 'Agencies that act or were addressed, sorted (pihak yang terlibat).';
COMMENT ON COLUMN {views}.case_current.open_transfer_id IS 'The offer that waits for an answer (pelimpahan terbuka).';
COMMENT ON COLUMN {views}.case_current.open_transfer_to IS 'Agency that has to answer it (tujuan pelimpahan).';
COMMENT ON COLUMN {views}.case_current.escalation_due IS 'Two offers in a row were refused or lapsed (perlu eskalasi).';
COMMENT ON COLUMN {views}.case_current.arbiter IS 'Agency before which a transfer was brought (pemutus).';
COMMENT ON COLUMN {views}.case_current.locally_closed_by IS 'Agencies that closed it in their own systems (ditutup di sistem instansi).';
COMMENT ON COLUMN {views}.case_current.merged_into IS 'The surviving case, if merged (kasus penerus).';
COMMENT ON COLUMN {views}.case_current.absorbed IS 'How many other cases it took in (kasus yang diserap).';
COMMENT ON COLUMN {views}.case_current.open_commitments IS 'Commitments that are OPEN or REPORTED (komitmen terbuka).';
COMMENT ON COLUMN {views}.case_current.opened_at IS 'When the complaint was taken in (waktu pengaduan).';
COMMENT ON COLUMN {views}.case_current.closed_at IS 'When it was closed, rejected or merged (waktu penutupan).';
COMMENT ON COLUMN {views}.case_current.events IS 'Events recorded (jumlah peristiwa).';
COMMENT ON COLUMN {views}.case_current.irregular IS 'Of these, irregular ones (tidak sah).';
COMMENT ON COLUMN {views}.case_current.duplicate IS 'Of these, duplicates (ganda).';
COMMENT ON COLUMN {views}.case_current.corrected IS 'Of these, corrected ones (dikoreksi).';
COMMENT ON COLUMN {views}.case_current.last_recorded_at IS 'When the last of them was recorded (terakhir tercatat).';

CREATE OR REPLACE VIEW {views}.case_history AS
SELECT subject, seq, event_id, type, agency, occurred_at, recorded_at, partition, "offset",
       verdict, codes, differs, signature, data
  FROM {model}.history
 WHERE subject LIKE 'case/%';

COMMENT ON VIEW {views}.case_history IS 'Every event of every case with its verdict, in log order by seq (riwayat kasus).';
COMMENT ON COLUMN {views}.case_history.subject IS 'The case, case/ID (pokok perkara).';
COMMENT ON COLUMN {views}.case_history.seq IS 'Number of the event within its case, from 1 (nomor urut).';
COMMENT ON COLUMN {views}.case_history.event_id IS 'The emitter''s id of the event (nomor peristiwa).';
COMMENT ON COLUMN {views}.case_history.type IS 'Type of the event, such as LetterSent (jenis peristiwa).';
COMMENT ON COLUMN {views}.case_history.agency IS 'Agency that emitted it (instansi pengirim).';
COMMENT ON COLUMN {views}.case_history.occurred_at IS 'When it happened, as the agency says (waktu kejadian).';
COMMENT ON COLUMN {views}.case_history.recorded_at IS 'When the broker recorded it (waktu tercatat).';
COMMENT ON COLUMN {views}.case_history.partition IS 'Partition of the log in which it lies (partisi).';
COMMENT ON COLUMN {views}.case_history."offset" IS 'Its offset there (posisi).';
COMMENT ON COLUMN {views}.case_history.verdict IS 'EFFECTIVE, IRREGULAR, DUPLICATE or CORRECTED (putusan: sah, tidak sah, ganda, dikoreksi).';
COMMENT ON COLUMN {views}.case_history.codes IS 'Why it is irregular, sorted (alasan tidak sah).';
COMMENT ON COLUMN {views}.case_history.differs IS 'A duplicate whose content is another than that of the first (ganda dengan isi berbeda).';
COMMENT ON COLUMN {views}.case_history.signature IS 'VALID, UNSIGNED or what is wrong with it (tanda tangan).';
COMMENT ON COLUMN {views}.case_history.data IS 'What the event says, in its JSON form (isi peristiwa).';

CREATE OR REPLACE VIEW {views}.custody_interval AS
SELECT subject, n, agency, started_at, ended_at, event_id
  FROM {model}.custody_interval;

COMMENT ON VIEW {views}.custody_interval IS 'Who was responsible for a case from when to when, without gap or overlap while it was open (masa tanggung jawab).';
COMMENT ON COLUMN {views}.custody_interval.subject IS 'The case, case/ID (pokok perkara).';
COMMENT ON COLUMN {views}.custody_interval.n IS 'Number of the interval within the case, from 1 (nomor urut).';
COMMENT ON COLUMN {views}.custody_interval.agency IS 'The custodian (penanggung jawab kasus).';
COMMENT ON COLUMN {views}.custody_interval.started_at IS 'From when (mulai).';
COMMENT ON COLUMN {views}.custody_interval.ended_at IS 'Until when; null while it runs (selesai).';
COMMENT ON COLUMN {views}.custody_interval.event_id IS 'Event that began it (peristiwa yang memulai).';

CREATE OR REPLACE VIEW {views}.transfer AS
SELECT subject, transfer_id, from_agency, to_agency, ground, reason, offered_at, status,
       answered_at, answer_ground, answer_reason
  FROM {model}.transfer;

COMMENT ON VIEW {views}.transfer IS 'Offers of a case to another custodian (pelimpahan).';
COMMENT ON COLUMN {views}.transfer.subject IS 'The case, case/ID (pokok perkara).';
COMMENT ON COLUMN {views}.transfer.transfer_id IS 'Its id within the case (nomor pelimpahan).';
COMMENT ON COLUMN {views}.transfer.from_agency IS 'Custodian that offered (instansi asal).';
COMMENT ON COLUMN {views}.transfer.to_agency IS 'Agency to which the case was offered (instansi tujuan).';
COMMENT ON COLUMN {views}.transfer.ground IS 'MANDATE, JURISDICTION, CAPACITY, REQUEST or OTHER (dasar pelimpahan).';
COMMENT ON COLUMN {views}.transfer.reason IS 'Why, in words (alasan).';
COMMENT ON COLUMN {views}.transfer.offered_at IS 'When it was offered (waktu penawaran).';
COMMENT ON COLUMN {views}.transfer.status IS 'OPEN, ACCEPTED, REFUSED, WITHDRAWN, LAPSED or CANCELLED (status).';
COMMENT ON COLUMN {views}.transfer.answered_at IS 'When it was answered or ended (waktu jawaban).';
COMMENT ON COLUMN {views}.transfer.answer_ground IS 'Ground of a refusal (dasar penolakan).';
COMMENT ON COLUMN {views}.transfer.answer_reason IS 'Reason of a refusal (alasan penolakan).';

CREATE OR REPLACE VIEW {views}.commitment AS
SELECT subject, commitment_id, kind, debtor, creditor, what, due_at, status,
       status IN ('OPEN', 'REPORTED') AS is_owed,
       coalesce(fulfilled_at > due_at, false) AS late,
       made_at, reported_at, fulfilled_at, breached_at, escalated_to, escalation_level, rule,
       source_event
  FROM {model}.commitment;

COMMENT ON VIEW {views}.commitment IS 'Who owes what to whom by when, made by hand or by an event (komitmen).';
COMMENT ON COLUMN {views}.commitment.subject IS 'Case, meeting or agreement on which it stands (pokok perkara).';
COMMENT ON COLUMN {views}.commitment.commitment_id IS 'Its id within the subject; KIND:SOURCE:DEBTOR if an event opened it (nomor komitmen).';
COMMENT ON COLUMN {views}.commitment.kind IS 'PROMISE if made by hand, else what is awaited, such as LETTER_REPLY (jenis).';
COMMENT ON COLUMN {views}.commitment.debtor IS 'Agency that owes (penanggung jawab, PIC).';
COMMENT ON COLUMN {views}.commitment.creditor IS 'Agency to which it is owed; for minutes the meeting (penerima komitmen).';
COMMENT ON COLUMN {views}.commitment.what IS 'What is owed, in words (isi komitmen).';
COMMENT ON COLUMN {views}.commitment.due_at IS 'Its limit; null where no protocol was known (tenggat).';
COMMENT ON COLUMN {views}.commitment.status IS 'PROPOSED, OPEN, REPORTED, FULFILLED, DECLINED, CANCELLED or LAPSED (status).';
COMMENT ON COLUMN {views}.commitment.is_owed IS 'OPEN or REPORTED; overdue at T is is_owed AND due_at < T (masih terutang).';
COMMENT ON COLUMN {views}.commitment.late IS 'Fulfilled after its limit (terlambat).';
COMMENT ON COLUMN {views}.commitment.made_at IS 'When it was made (waktu dibuat).';
COMMENT ON COLUMN {views}.commitment.reported_at IS 'When the debtor reported it as fulfilled (waktu dilaporkan terpenuhi).';
COMMENT ON COLUMN {views}.commitment.fulfilled_at IS 'When it was fulfilled (waktu terpenuhi).';
COMMENT ON COLUMN {views}.commitment.breached_at IS 'When it was first stated to be breached (waktu dilanggar).';
COMMENT ON COLUMN {views}.commitment.escalated_to IS 'Office before which it was last brought (eskalasi kepada).';
COMMENT ON COLUMN {views}.commitment.escalation_level IS 'Level of that escalation, 0 without one (tingkat eskalasi).';
COMMENT ON COLUMN {views}.commitment.rule IS 'Protocol version and limit that gave the due date; null where the event itself did (aturan protokol).';
COMMENT ON COLUMN {views}.commitment.source_event IS 'Event that made it (peristiwa asal).';

CREATE OR REPLACE VIEW {views}.letter AS
SELECT subject, letter_id, sender, number, dated, doc_type, urgency, title, to_agencies,
       cc_agencies, reply_expected, in_reply_to, sent_at, received_by, disposed_by, settled_by,
       reminders
  FROM {model}.letter;

COMMENT ON VIEW {views}.letter IS 'Letters on cases (surat dinas).';
COMMENT ON COLUMN {views}.letter.subject IS 'The case, case/ID (pokok perkara).';
COMMENT ON COLUMN {views}.letter.letter_id IS 'Its id within the case (nomor surat dalam buku besar).';
COMMENT ON COLUMN {views}.letter.sender IS 'Agency that sent it (pengirim).';
COMMENT ON COLUMN {views}.letter.number IS 'Number on the letter (nomor).';
COMMENT ON COLUMN {views}.letter.dated IS 'Date on the letter (tanggal).';
COMMENT ON COLUMN {views}.letter.doc_type IS 'OFFICIAL_LETTER, MEMO, INVITATION, ASSIGNMENT, MINUTES, REPORT or AGREEMENT (jenis naskah).';
COMMENT ON COLUMN {views}.letter.urgency IS 'IMMEDIATE, URGENT or NORMAL (derajat).';
COMMENT ON COLUMN {views}.letter.title IS 'What it is about (perihal).';
COMMENT ON COLUMN {views}.letter.to_agencies IS 'Addressees, sorted (tujuan).';
COMMENT ON COLUMN {views}.letter.cc_agencies IS 'Agencies with a copy, sorted (tembusan).';
COMMENT ON COLUMN {views}.letter.reply_expected IS 'Whether each addressee owes a reply (perlu jawaban).';
COMMENT ON COLUMN {views}.letter.in_reply_to IS 'Letter that it answers (membalas surat).';
COMMENT ON COLUMN {views}.letter.sent_at IS 'When it was sent (waktu pengiriman).';
COMMENT ON COLUMN {views}.letter.received_by IS 'Addressees that received it (diterima oleh).';
COMMENT ON COLUMN {views}.letter.disposed_by IS 'Addressees that passed it on to a unit (disposisi oleh).';
COMMENT ON COLUMN {views}.letter.settled_by IS 'Addressees that answered in full or declined (dijawab oleh).';
COMMENT ON COLUMN {views}.letter.reminders IS 'How often the sender reminded (jumlah pengingat).';

CREATE OR REPLACE VIEW {views}.contact AS
SELECT subject, contact_id, agency, mode, direction, with_agencies, summary, duration_s, logged_at,
       agreed_by, disputed_by
  FROM {model}.contact;

COMMENT ON VIEW {views}.contact IS 'Calls, chats and visits outside letters and meetings (kontak).';
COMMENT ON COLUMN {views}.contact.subject IS 'The case, case/ID (pokok perkara).';
COMMENT ON COLUMN {views}.contact.contact_id IS 'Its id within the case (nomor kontak).';
COMMENT ON COLUMN {views}.contact.agency IS 'Agency that logged it (instansi pencatat).';
COMMENT ON COLUMN {views}.contact.mode IS 'PHONE, VIDEO, CHAT, EMAIL or IN_PERSON (cara).';
COMMENT ON COLUMN {views}.contact.direction IS 'OUTGOING or INCOMING (arah).';
COMMENT ON COLUMN {views}.contact.with_agencies IS 'Agencies on the other side, sorted (lawan bicara).';
COMMENT ON COLUMN {views}.contact.summary IS 'What was said (ringkasan).';
COMMENT ON COLUMN {views}.contact.duration_s IS 'How long it took, in seconds (lama).';
COMMENT ON COLUMN {views}.contact.logged_at IS 'When it happened (waktu kejadian).';
COMMENT ON COLUMN {views}.contact.agreed_by IS 'Agencies that confirm the record (dibenarkan oleh).';
COMMENT ON COLUMN {views}.contact.disputed_by IS 'Agencies that dispute the record (dibantah oleh).';

CREATE OR REPLACE VIEW {views}.decision AS
SELECT subject, decision_id, meeting, agency, text, adopters, follow_up, decided_at
  FROM {model}.decision;

COMMENT ON VIEW {views}.decision IS 'Decisions of meetings, on the case or meeting on which they are recorded (keputusan).';
COMMENT ON COLUMN {views}.decision.subject IS 'Case or meeting on which it stands (pokok perkara).';
COMMENT ON COLUMN {views}.decision.decision_id IS 'Its id within the subject (nomor keputusan).';
COMMENT ON COLUMN {views}.decision.meeting IS 'Meeting that took it (rapat).';
COMMENT ON COLUMN {views}.decision.agency IS 'Agency that recorded it (instansi pencatat).';
COMMENT ON COLUMN {views}.decision.text IS 'What was decided (isi keputusan).';
COMMENT ON COLUMN {views}.decision.adopters IS 'Agencies that adopted it, sorted (penyetuju).';
COMMENT ON COLUMN {views}.decision.follow_up IS 'NO_ACTION or COMMITMENTS (tindak lanjut).';
COMMENT ON COLUMN {views}.decision.decided_at IS 'When it was taken (waktu keputusan).';

CREATE OR REPLACE VIEW {views}.assistance AS
SELECT subject, assistance_id, kind, requester, provider, emergency, reason, requested_at,
       delivery_due_at, status, answered_at, answer_ground, answer_reason, delivered_at
  FROM {model}.assistance;

COMMENT ON VIEW {views}.assistance IS 'Help asked of another agency while the custodian stays (pendampingan, rujukan).';
COMMENT ON COLUMN {views}.assistance.subject IS 'The case, case/ID (pokok perkara).';
COMMENT ON COLUMN {views}.assistance.assistance_id IS 'Its id within the case (nomor pendampingan).';
COMMENT ON COLUMN {views}.assistance.kind IS 'Such as LEGAL_AID, SHELTER or REPATRIATION (jenis pendampingan).';
COMMENT ON COLUMN {views}.assistance.requester IS 'Custodian that asked (peminta).';
COMMENT ON COLUMN {views}.assistance.provider IS 'Agency that was asked (pemberi layanan).';
COMMENT ON COLUMN {views}.assistance.emergency IS 'Whether it was asked as an emergency (darurat).';
COMMENT ON COLUMN {views}.assistance.reason IS 'Why, in words (alasan).';
COMMENT ON COLUMN {views}.assistance.requested_at IS 'When it was asked for (waktu permintaan).';
COMMENT ON COLUMN {views}.assistance.delivery_due_at IS 'Limit of the delivery if the request gave one (tenggat).';
COMMENT ON COLUMN {views}.assistance.status IS 'REQUESTED, ACCEPTED, REFUSED, DELIVERED or ENDED (status).';
COMMENT ON COLUMN {views}.assistance.answered_at IS 'When the provider answered (waktu jawaban).';
COMMENT ON COLUMN {views}.assistance.answer_ground IS 'Ground of a refusal (dasar penolakan).';
COMMENT ON COLUMN {views}.assistance.answer_reason IS 'Reason of a refusal (alasan penolakan).';
COMMENT ON COLUMN {views}.assistance.delivered_at IS 'When it was given (waktu diberikan).';

CREATE OR REPLACE VIEW {views}.agency_edge AS
WITH tie (from_agency, to_agency, kind, answer) AS (
    SELECT letter.sender, addressee, 'LETTER', commitment.fulfilled_at - letter.sent_at
      FROM {model}.letter
     CROSS JOIN unnest(letter.to_agencies) AS addressee
      LEFT JOIN {model}.commitment
             ON commitment.subject = letter.subject
            AND commitment.commitment_id = 'LETTER_REPLY:' || letter.letter_id || ':' || addressee
     UNION ALL
    SELECT from_agency, to_agency, 'TRANSFER',
           CASE WHEN status IN ('ACCEPTED', 'REFUSED') THEN answered_at - offered_at END
      FROM {model}.transfer
     UNION ALL
    SELECT requester, provider, 'ASSISTANCE', answered_at - requested_at
      FROM {model}.assistance
     UNION ALL
    SELECT contact.agency, partner, 'CONTACT', NULL
      FROM {model}.contact
     CROSS JOIN unnest(contact.with_agencies) AS partner
     UNION ALL
    SELECT debtor, creditor, 'PROMISE', fulfilled_at - made_at
      FROM {model}.commitment
     WHERE kind = 'PROMISE' AND status NOT IN ('PROPOSED', 'DECLINED')
)
SELECT from_agency,
       to_agency,
       kind,
       count(*) AS count,
       count(answer) AS answered,
       (extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY answer)) / 3600)
           ::double precision AS median_answer_hours
  FROM tie
 GROUP BY from_agency, to_agency, kind;

COMMENT ON VIEW {views}.agency_edge IS 'Ties between agencies, for networks of coordination: letters, transfers, assistance, contacts, promises (jejaring antarinstansi). Our own operationalisation; it counts effective events alone.';
COMMENT ON COLUMN {views}.agency_edge.from_agency IS 'Agency that wrote, offered, asked, called or promised (instansi asal).';
COMMENT ON COLUMN {views}.agency_edge.to_agency IS 'Agency that was addressed (instansi tujuan).';
COMMENT ON COLUMN {views}.agency_edge.kind IS 'LETTER, TRANSFER, ASSISTANCE, CONTACT or PROMISE (jenis).';
COMMENT ON COLUMN {views}.agency_edge.count IS 'How many; a letter to two agencies counts for each (jumlah).';
COMMENT ON COLUMN {views}.agency_edge.answered IS 'How many were answered, or kept if promised (jumlah terjawab).';
COMMENT ON COLUMN {views}.agency_edge.median_answer_hours IS 'Median hours on the clock until the answer, by occurred time; null without answers (median waktu jawaban).';

CREATE OR REPLACE VIEW {views}.merge_unabsorbed AS
SELECT absorbed.subject,
       absorbed.state ->> 'merged_into' AS survivor,
       (absorbed.state ->> 'closed_at')::timestamptz AS merged_at,
       survivor.state IS NOT NULL AS survivor_exists
  FROM {model}.subject AS absorbed
  LEFT JOIN {model}.subject AS survivor ON survivor.subject = absorbed.state ->> 'merged_into'
 WHERE absorbed.kind = 'case'
   AND absorbed.state ->> 'status' = 'MERGED'
   AND NOT EXISTS (
           SELECT FROM {model}.absorption
            WHERE absorption.subject = absorbed.state ->> 'merged_into'
              AND absorption.absorbed = absorbed.subject
       );

COMMENT ON VIEW {views}.merge_unabsorbed IS 'Merged cases whose surviving case has no CaseAbsorbed of them (penggabungan tanpa penyerapan).';
COMMENT ON COLUMN {views}.merge_unabsorbed.subject IS 'The merged case (kasus yang digabung).';
COMMENT ON COLUMN {views}.merge_unabsorbed.survivor IS 'The case that should have absorbed it (kasus penerus).';
COMMENT ON COLUMN {views}.merge_unabsorbed.merged_at IS 'When it was merged (waktu penggabungan).';
COMMENT ON COLUMN {views}.merge_unabsorbed.survivor_exists IS 'Whether the surviving case exists in the ledger (kasus penerus ada).';

GRANT USAGE ON SCHEMA {views} TO {reader};
GRANT SELECT ON ALL TABLES IN SCHEMA {views} TO {reader};
