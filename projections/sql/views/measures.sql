-- How agencies coordinate, measured. The bodies are in sql/measures.sql, where they are explained; the
-- measures are our own operationalisation (docs/howto/measure-coordination.md).

CREATE OR REPLACE VIEW {views}.protocol AS
SELECT protocol."offset", protocol.version, protocol.effective_from,
       to_timestamp(directory_record.timestamp_ms / 1000.0) AS published_at,
       protocol.timezone
  FROM protocol
  JOIN directory_record USING ("offset");

COMMENT ON VIEW {views}.protocol IS 'Versions of the coordination protocol; in force at T is the one with the latest effective_from up to T, of two the one published last (protokol).';
COMMENT ON COLUMN {views}.protocol."offset" IS 'Place of its record in the directory (posisi).';
COMMENT ON COLUMN {views}.protocol.version IS 'Its name (versi).';
COMMENT ON COLUMN {views}.protocol.effective_from IS 'From when it is in force (berlaku sejak).';
COMMENT ON COLUMN {views}.protocol.published_at IS 'When it was published (waktu penerbitan).';
COMMENT ON COLUMN {views}.protocol.timezone IS 'Time zone in which its days end (zona waktu).';

CREATE OR REPLACE VIEW {views}.known_until AS {known_until};

COMMENT ON VIEW {views}.known_until IS 'Up to when the views of measures know, in place of a clock; one row (diketahui sampai).';
COMMENT ON COLUMN {views}.known_until.moment IS 'When the latest record was recorded (waktu catatan terakhir).';
COMMENT ON COLUMN {views}.known_until.zone IS 'Time zone of the protocol then in force, in which days and months are meant (zona waktu).';

CREATE OR REPLACE VIEW {views}.commitment_outcome AS {commitment_outcome};

COMMENT ON VIEW {views}.commitment_outcome IS 'What became of each commitment, as far as known_until says (hasil komitmen).';
COMMENT ON COLUMN {views}.commitment_outcome.subject IS 'Case, meeting or agreement on which it stands (pokok perkara).';
COMMENT ON COLUMN {views}.commitment_outcome.commitment_id IS 'Its id within the subject (nomor komitmen).';
COMMENT ON COLUMN {views}.commitment_outcome.kind IS 'PROMISE if made by hand, else what is awaited (jenis).';
COMMENT ON COLUMN {views}.commitment_outcome.instrument IS 'MEETING, LETTER, CONTACT, DATA or AGREEMENT from which it comes; letters, transfers and requests for assistance are LETTER; null if none, as for VERIFICATION and promises of one''s own (instrumen).';
COMMENT ON COLUMN {views}.commitment_outcome.debtor IS 'Agency that owes (penanggung jawab, PIC).';
COMMENT ON COLUMN {views}.commitment_outcome.creditor IS 'Agency to which it is owed; for minutes the meeting (penerima komitmen).';
COMMENT ON COLUMN {views}.commitment_outcome.made_at IS 'When it was made (waktu dibuat).';
COMMENT ON COLUMN {views}.commitment_outcome.due_at IS 'Its limit (tenggat).';
COMMENT ON COLUMN {views}.commitment_outcome.outcome IS 'KEPT in time; LATE but fulfilled; BROKEN if past its limit or lapsed; PENDING if not due yet, or reported in time and not reviewed; VOID if proposed, declined or cancelled (hasil: dipenuhi, terlambat, dilanggar, belum jatuh tempo, gugur).';
COMMENT ON COLUMN {views}.commitment_outcome.source_kind IS 'DECISION, LETTER, AGREEMENT, CONTACT or OWN, as who made it by hand says (jenis sumber).';
COMMENT ON COLUMN {views}.commitment_outcome.source_ref IS 'Which one, as who made it says (rujukan sumber).';

CREATE OR REPLACE VIEW {views}.decision_outcome AS {decision_outcome};

COMMENT ON VIEW {views}.decision_outcome IS 'What became of each decision: of the commitments that name it, as far as known_until says (tindak lanjut keputusan).';
COMMENT ON COLUMN {views}.decision_outcome.subject IS 'Case or meeting on which it stands (pokok perkara).';
COMMENT ON COLUMN {views}.decision_outcome.decision_id IS 'Its id within the subject (nomor keputusan).';
COMMENT ON COLUMN {views}.decision_outcome.meeting IS 'Meeting that took it (rapat).';
COMMENT ON COLUMN {views}.decision_outcome.agency IS 'Agency that recorded it (instansi pencatat).';
COMMENT ON COLUMN {views}.decision_outcome.decided_at IS 'When it was taken (waktu keputusan).';
COMMENT ON COLUMN {views}.decision_outcome.instrument IS 'Always MEETING (instrumen).';
COMMENT ON COLUMN {views}.decision_outcome.commitments IS 'How many commitments follow from it, void ones aside (jumlah komitmen).';
COMMENT ON COLUMN {views}.decision_outcome.outcome IS 'CARRIED_OUT if all are fulfilled, in time or late; BROKEN if one is broken; PENDING if one is pending; NOT_TAKEN_UP if it wanted commitments and has none; NO_ACTION if it wanted none (dilaksanakan, dilanggar, berjalan, belum ditindaklanjuti, tanpa tindak lanjut).';

CREATE OR REPLACE VIEW {views}.case_movement AS {case_movement};

COMMENT ON VIEW {views}.case_movement IS 'When open cases last moved: without movement at T is T - moved_at (kasus tanpa pergerakan).';
COMMENT ON COLUMN {views}.case_movement.subject IS 'The case, case/ID (pokok perkara).';
COMMENT ON COLUMN {views}.case_movement.custodian IS 'Agency responsible (penanggung jawab kasus).';
COMMENT ON COLUMN {views}.case_movement.moved_at IS 'When an agency last did something effective on it, by occurred time (pergerakan terakhir).';

CREATE OR REPLACE VIEW {views}.agency_tie AS {agency_tie};

COMMENT ON VIEW {views}.agency_tie IS 'Every tie between two agencies with its time, for networks that change: effective events alone, no tie of an agency to itself (hubungan antarinstansi). Our own operationalisation.';
COMMENT ON COLUMN {views}.agency_tie.subject IS 'Case, meeting or agreement on which it stands (pokok perkara).';
COMMENT ON COLUMN {views}.agency_tie.kind IS 'LETTER, TRANSFER, ASSISTANCE, CONTACT, DATA, PROMISE, MEETING or AGREEMENT (jenis).';
COMMENT ON COLUMN {views}.agency_tie.ref IS 'Id of what ties them, within subject and kind; for data that of the event (rujukan).';
COMMENT ON COLUMN {views}.agency_tie.instrument IS 'MEETING, LETTER, CONTACT, DATA or AGREEMENT; transfers and requests for assistance are LETTER; promises have that of their source, null for those of one''s own (instrumen).';
COMMENT ON COLUMN {views}.agency_tie.from_agency IS 'Agency that wrote, offered, asked, called, gave or promised; came to the meeting or signed (instansi asal).';
COMMENT ON COLUMN {views}.agency_tie.to_agency IS 'Agency that was addressed; came or signed as well (instansi tujuan).';
COMMENT ON COLUMN {views}.agency_tie.tied_at IS 'When, by occurred time; of a meeting its start, of an agreement the day of the last signature (waktu).';
COMMENT ON COLUMN {views}.agency_tie.awaits_answer IS 'Whether it asks for an answer: letters that expect a reply, transfers, requests for assistance (perlu jawaban).';
COMMENT ON COLUMN {views}.agency_tie.answered_at IS 'When it was answered, or kept if promised (waktu jawaban).';
COMMENT ON COLUMN {views}.agency_tie.is_directed IS 'False for meetings and agreements, which tie both ways and stand once for each (berarah).';

CREATE OR REPLACE VIEW {views}.agency_edge AS {agency_edge};

COMMENT ON VIEW {views}.agency_edge IS 'Ties between agencies counted, for networks of coordination: rows of agency_tie (jejaring antarinstansi). Our own operationalisation.';
COMMENT ON COLUMN {views}.agency_edge.from_agency IS 'Agency that wrote, offered, asked, called, gave or promised; came to the meeting or signed (instansi asal).';
COMMENT ON COLUMN {views}.agency_edge.to_agency IS 'Agency that was addressed; came or signed as well (instansi tujuan).';
COMMENT ON COLUMN {views}.agency_edge.kind IS 'LETTER, TRANSFER, ASSISTANCE, CONTACT, DATA, PROMISE, MEETING or AGREEMENT (jenis).';
COMMENT ON COLUMN {views}.agency_edge.count IS 'How many; a letter to two agencies counts for each (jumlah).';
COMMENT ON COLUMN {views}.agency_edge.answered IS 'How many were answered, or kept if promised (jumlah terjawab).';
COMMENT ON COLUMN {views}.agency_edge.median_answer_hours IS 'Median hours on the clock until the answer, by occurred time; null without answers (median waktu jawaban).';
COMMENT ON COLUMN {views}.agency_edge.instrument IS 'MEETING, LETTER, CONTACT, DATA or AGREEMENT; null for promises of one''s own (instrumen).';
COMMENT ON COLUMN {views}.agency_edge.p90_answer_hours IS 'Hours within which nine in ten were answered (persentil ke-90 waktu jawaban).';

CREATE OR REPLACE VIEW {views}.meeting_series AS {meeting_series};

COMMENT ON VIEW {views}.meeting_series IS 'Recurring meetings: each occasion that a protocol wants, and the meeting that served it, as far as known_until says; meetings beyond that are EXTRA (keteraturan rapat).';
COMMENT ON COLUMN {views}.meeting_series.series IS 'Name of the series (seri rapat).';
COMMENT ON COLUMN {views}.meeting_series.title IS 'Title of the meeting, else of the series (judul).';
COMMENT ON COLUMN {views}.meeting_series.n IS 'Number of the occasion within the series, from 1; null if EXTRA (nomor urut).';
COMMENT ON COLUMN {views}.meeting_series.due_on IS 'Day on which it is due; null if EXTRA (tanggal jadwal).';
COMMENT ON COLUMN {views}.meeting_series.next_on IS 'Day on which the next is due: from then on it is missed (jadwal berikutnya).';
COMMENT ON COLUMN {views}.meeting_series.outcome IS 'KEPT if held up to the day and its tolerance, LATE if before the next occasion, MISSED if not; DUE or UPCOMING while that is open; EXTRA (tepat waktu, terlambat, terlewat, jatuh tempo, akan datang, tambahan).';
COMMENT ON COLUMN {views}.meeting_series.chair IS 'Agency that led it, or should have: that of the protocol, else of the last meeting of the series (pimpinan rapat).';
COMMENT ON COLUMN {views}.meeting_series.subject IS 'Meeting that served it, meeting/ID; null if none (rapat).';
COMMENT ON COLUMN {views}.meeting_series.started_at IS 'When that meeting began (waktu mulai).';
COMMENT ON COLUMN {views}.meeting_series.attended IS 'Agencies that came or sent a delegate, sorted (hadir atau diwakilkan).';
COMMENT ON COLUMN {views}.meeting_series.absent IS 'Members that did not, sorted; empty if no meeting was held (tidak hadir).';
COMMENT ON COLUMN {views}.meeting_series.every_days IS 'Calendar days from one occasion to the next; null if no protocol wants the series (berulang tiap hari).';
COMMENT ON COLUMN {views}.meeting_series.tolerance_days IS 'How many days late is still in time (toleransi hari).';
COMMENT ON COLUMN {views}.meeting_series.members IS 'Agencies that should come, sorted (anggota).';
COMMENT ON COLUMN {views}.meeting_series.protocol IS 'Version of the protocol that wants it (versi protokol).';
COMMENT ON COLUMN {views}.meeting_series.instrument IS 'Always MEETING (instrumen).';
COMMENT ON COLUMN {views}.meeting_series.series_title IS 'Title of the series in the protocol (judul seri).';

CREATE OR REPLACE VIEW {views}.indicator_monthly AS {indicator_monthly};

COMMENT ON VIEW {views}.indicator_monthly IS 'Indicators of coordination a month, as far as known_until says (indikator bulanan). Our own operationalisation: docs/howto/measure-coordination.md says what each counts.';
COMMENT ON COLUMN {views}.indicator_monthly.month IS 'First day of the month, in the time zone of known_until (bulan).';
COMMENT ON COLUMN {views}.indicator_monthly.indicator IS 'RESPONSE_HOURS of agencies asked; COMMITMENTS_KEPT by debtors; TRANSFERS_BOUNCED by addressees; MEETINGS_KEPT by chairs; DECISIONS_CARRIED_OUT by agencies that recorded them; TIES by agencies that made them; NETWORK_DENSITY; NETWORK_RECIPROCITY (indikator).';
COMMENT ON COLUMN {views}.indicator_monthly.instrument IS 'MEETING, LETTER, CONTACT, DATA or AGREEMENT; ALL for networks of all ties; null for what comes from none of them (instrumen).';
COMMENT ON COLUMN {views}.indicator_monthly.agency IS 'The agency; null for all together (instansi).';
COMMENT ON COLUMN {views}.indicator_monthly.count IS 'How many things were measured: answers, commitments, offers, occasions, decisions, ties; for networks ordered pairs of agencies with a tie (jumlah).';
COMMENT ON COLUMN {views}.indicator_monthly.value IS 'RESPONSE_HOURS: median hours. TIES: how many agencies they lead to. All others: a share from 0 to 1 (nilai).';
