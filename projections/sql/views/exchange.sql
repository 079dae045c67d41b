-- What agencies send and ask of each other on a case.

CREATE OR REPLACE VIEW {views}.letter AS
SELECT subject, letter_id, sender, number, dated, doc_type, urgency, title, to_agencies,
       cc_agencies, reply_expected, in_reply_to, sent_at, received_by, disposed_by, settled_by,
       reminders
  FROM letter;

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
  FROM contact;

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

CREATE OR REPLACE VIEW {views}.assistance AS
SELECT subject, assistance_id, kind, requester, provider, emergency, reason, requested_at,
       delivery_due_at, status, answered_at, answer_ground, answer_reason, delivered_at
  FROM assistance;

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

CREATE OR REPLACE VIEW {views}.data_share AS
SELECT subject,
       event_id,
       data ->> 'share_id' AS share_id,
       agency,
       ARRAY(SELECT DISTINCT jsonb_array_elements_text(data -> 'to') ORDER BY 1) AS to_agencies,
       ARRAY(SELECT jsonb_array_elements_text(data -> 'fields')) AS fields,
       data ->> 'purpose' AS purpose,
       data ->> 'lawful_basis' AS lawful_basis,
       data ->> 'agreement' AS agreement,
       occurred_at AS shared_at
  FROM history
 WHERE type = 'DataShared' AND verdict = 'EFFECTIVE';

COMMENT ON VIEW {views}.data_share IS 'Personal data that one agency gave to others (berbagi data).';
COMMENT ON COLUMN {views}.data_share.subject IS 'The case, case/ID (pokok perkara).';
COMMENT ON COLUMN {views}.data_share.event_id IS 'Event that says so (nomor peristiwa).';
COMMENT ON COLUMN {views}.data_share.share_id IS 'Its id, chosen by the agency; may stand more than once (nomor berbagi).';
COMMENT ON COLUMN {views}.data_share.agency IS 'Agency that gave the data (instansi pemberi).';
COMMENT ON COLUMN {views}.data_share.to_agencies IS 'Agencies that got them, sorted (penerima).';
COMMENT ON COLUMN {views}.data_share.fields IS 'Names of the fields given, never their content (ruas data).';
COMMENT ON COLUMN {views}.data_share.purpose IS 'What for (tujuan).';
COMMENT ON COLUMN {views}.data_share.lawful_basis IS 'Legal basis, if it is not an agreement (dasar pemrosesan).';
COMMENT ON COLUMN {views}.data_share.agreement IS 'Agreement that allows it, if it is not a law (perjanjian kerja sama).';
COMMENT ON COLUMN {views}.data_share.shared_at IS 'When they were given (waktu berbagi).';
