"""The kinds of records that the regulations ask for. Logs are tables; documents are lists of what was written down.

Each field bears the name that staff write; its English name is the attribute's. What a clause does not ask for is not
asked of anybody, above all not of people: that an identity document was deposited is noted, its number never.
"""

from __future__ import annotations

from pydantic import model_validator

from compliance.evidence.fields import (
    Choice,
    Date,
    Moment,
    Names,
    Number,
    Part,
    Percent,
    PrivateWords,
    Record,
    Words,
    YesNo,
    kind,
    named,
)


class Condition(Choice):
    """How something was found."""

    GOOD = "baik"
    BAD = "rusak"


class Deposit(Choice):
    """What became of an identity document or of gadgets during a visit."""

    DEPOSITED = "dititipkan"
    RETURNED = "dikembalikan"
    NOT_ASKED = "tidak"


class Visitor(Choice):
    """Who visits."""

    VENDOR = "vendor"
    GUEST = "tamu"


class Recording(Choice):
    """What a visitor was allowed to photograph or record."""

    NOTHING = "tidak"
    OWN_DEVICE = "perangkat sendiri"
    BACKUP = "pencadangan"
    ANYTHING = "bebas"


class Door(Choice):
    """How a door was opened."""

    FACE = "wajah"
    FINGERPRINT = "sidik jari"
    CARD = "kartu"
    KEY = "kunci"


class Holding(Choice):
    """What a backup or restore is of."""

    FILES = "berkas"
    DATABASE = "basis data"


class Subject(Choice):
    """What monitoring or an incident is about."""

    RESOURCES = "sumber daya"
    NETWORK = "jaringan"
    POWER = "daya"
    SECURITY = "keamanan"


class Work(Choice):
    """What an order is for."""

    HARDWARE_INSTALLATION = "instalasi perangkat keras"
    SOFTWARE_INSTALLATION = "instalasi perangkat lunak"
    FACILITY_INSTALLATION = "instalasi sarana"
    CONFIGURATION = "konfigurasi"
    HARDWARE_UPGRADE = "pemutakhiran perangkat keras"
    OS_UPGRADE = "pemutakhiran sistem operasi"
    DECOMMISSIONING = "penghapusan"
    MAINTENANCE = "pemeliharaan"


class Result(Choice):
    """How work ended."""

    SUCCEEDED = "berhasil"
    FAILED = "gagal"
    POSTPONED = "ditunda"


class Decision(Choice):
    """What was decided."""

    APPROVED = "disetujui"
    REFUSED = "ditolak"


# --- The room -------------------------------------------------------------------------------------------------------


@kind("room-climate", "suhu-kelembapan.csv", "Kartu suhu dan kelembapan", "Room climate card")
class RoomClimate(Record):
    """A reading of the room's climate (Jambi B.2.a, Tegal 6.4.5.2)."""

    at: Moment = named("waktu")
    temperature: Number = named("suhu_c", unit="°C", ge=-20, le=80)
    humidity: Number = named("kelembapan_pct", unit="%", ge=0, le=100)
    officer: PrivateWords = named("petugas")
    correction: Words | None = named("koreksi", optional=True)
    reported: Date | None = named("dilaporkan", optional=True)


@kind("monthly-inspections", "pemeriksaan-bulanan.csv", "Pemeriksaan bulanan ruang server", "Monthly room inspections")
class MonthlyInspection(Record):
    """The ten checks of the room and the report on it (Jambi II.monitoring.2.A.1 to 10, II.monitoring.2.B)."""

    on: Date = named("tanggal")
    rack_positions: Condition = named("posisi_rak")
    racks_locked: Condition = named("kunci_rak")
    no_foreign_goods: Condition = named("bebas_barang_lain")
    clean: Condition = named("kebersihan")
    raised_floor: Condition = named("lantai_panggung")
    climate: Condition = named("suhu_kelembapan")
    airflow: Condition = named("aliran_udara")
    fire_suppression: Condition = named("pemadam")
    cabling: Condition = named("kabel")
    panel_locked: Condition = named("panel_terkunci")
    officer: PrivateWords = named("petugas")
    follow_up: Words | None = named("tindak_lanjut", optional=True)
    cooling: Condition | None = named("pendingin", optional=True)
    reported: Date | None = named("dilaporkan", optional=True)
    reported_to: PrivateWords | None = named("laporan_kepada", optional=True)
    filed: Words | None = named("arsip", optional=True)


class SurveyItem(Part):
    """One item of a survey of the room."""

    condition: Condition = named("kondisi")
    detail: Words | None = named("rincian", optional=True)


@kind("room-surveys", "survei-ruangan.yml", "Survei ruang server", "Surveys of the room")
class RoomSurvey(Record):
    """What seldom changes in the room (Jambi B.2, B.3, E.1, E.2, E.5)."""

    on: Date = named("tanggal")
    officer: PrivateWords = named("petugas")
    size: SurveyItem = named("luas_ruangan")
    secured: SurveyItem = named("tertutup_dari_luar")
    emergency_exit: SurveyItem = named("pintu_darurat")
    telephone: SurveyItem = named("telepon")
    thermometer: SurveyItem = named("termometer")
    cooling: SurveyItem = named("pendingin")
    cooling_kw: Number = named("kapasitas_pendingin_kw", unit="kW", ge=0)
    heat_kw: Number = named("beban_panas_kw", unit="kW", ge=0)
    cooling_placement: SurveyItem = named("letak_pendingin")
    airflow: SurveyItem = named("aliran_udara")
    raised_floor: SurveyItem = named("lantai_panggung")
    fire_suppression: SurveyItem = named("pemadam")
    fire_agent: Words = named("bahan_pemadam")
    fire_checked: Date = named("pemadam_diperiksa")
    cctv: SurveyItem = named("cctv")
    cctv_days_kept: Number = named("rekaman_cctv_hari", unit="d", ge=0)
    door_authentication: SurveyItem = named("pengaman_pintu")
    door_factors: Names = named("cara_pengaman_pintu")
    access_list: Names = named("jabatan_yang_boleh_masuk")
    cabling_568b: SurveyItem = named("kabel_utp_568b")
    cabling_separated: SurveyItem = named("kabel_daya_terpisah")
    install_standard: SurveyItem = named("pemasangan_sesuai_panduan")
    mcb: SurveyItem = named("mcb")
    surge_protection: SurveyItem = named("penangkal_petir")
    generator: SurveyItem = named("genset")


@kind("visitors", "kunjungan.csv", "Buku kunjungan", "Visitors' book")
class Visit(Record):
    """Somebody from outside in the room (Jambi E.6, II.pemeliharaan; Tegal 2.1, 2.3)."""

    entered: Moment = named("masuk")
    left: Moment | None = named("keluar", optional=True)
    visitor: Visitor = named("golongan")
    name: PrivateWords = named("nama")
    organisation: Words = named("instansi")
    purpose: Words = named("keperluan")
    request: Words | None = named("formulir", optional=True)
    permitted_by: PrivateWords | None = named("izin_oleh", optional=True)
    permitted: Moment | None = named("izin_pada", optional=True)
    escort: PrivateWords | None = named("pendamping", optional=True)
    activity: Words | None = named("kegiatan", optional=True)
    identity: Deposit | None = named("identitas", optional=True)
    gadgets: Deposit | None = named("gawai", optional=True)
    recording: Recording | None = named("perekaman", optional=True)
    rules_kept: YesNo | None = named("tata_tertib_dipatuhi", optional=True)
    door_locked: YesNo | None = named("pintu_terkunci", optional=True)
    room_after: Condition | None = named("ruangan_sesudahnya", optional=True)
    minutes: Words | None = named("berita_acara", optional=True)

    in_turn = ("entered", "left")


@kind("staff-entries", "petugas-masuk.csv", "Buku petugas masuk", "Staff entries")
class StaffEntry(Record):
    """An officer in the room (Jambi II.monitoring.1, Tegal 2.2)."""

    entered: Moment = named("masuk")
    left: Moment | None = named("keluar", optional=True)
    officer: PrivateWords = named("petugas")
    purpose: Words = named("keperluan")
    door: Door | None = named("pintu", optional=True)
    remote_tried: YesNo | None = named("ssh_dicoba", optional=True)
    rules_kept: YesNo | None = named("tata_tertib_dipatuhi", optional=True)
    door_locked: YesNo | None = named("pintu_terkunci", optional=True)

    in_turn = ("entered", "left")


@kind("removals", "barang-keluar.csv", "Barang keluar ruang server", "Goods that left the room")
class Removal(Record):
    """A device that left (Jambi E.3, Batam lampiran.8, Jateng form.penarikan)."""

    on: Date = named("tanggal")
    device: Words = named("perangkat")
    serial: Words = named("nomor_seri")
    reason: Words = named("alasan")
    approved_by: PrivateWords | None = named("disetujui_oleh", optional=True)
    approved: Date | None = named("disetujui", optional=True)


# --- Power ----------------------------------------------------------------------------------------------------------


@kind("power-outages", "pemadaman.csv", "Catatan pemadaman listrik", "Power outages")
class PowerOutage(Record):
    """Mains power failed (Jambi E.5.e to E.5.h)."""

    began: Moment = named("mulai")
    ended: Moment | None = named("selesai", optional=True)
    officer: PrivateWords = named("petugas")
    generator_ran: YesNo | None = named("genset_menyala", optional=True)
    refuelled: Moment | None = named("isi_bahan_bakar", optional=True)

    in_turn = ("began", "ended")


@kind("fuel", "bahan-bakar.csv", "Kartu bahan bakar genset", "Generator fuel card")
class Fuel(Record):
    """The generator's fuel level (Tegal 6.3.5.4)."""

    on: Date = named("tanggal")
    level: Percent = named("sisa_pct", unit="%")
    officer: PrivateWords = named("petugas")


@kind("generator-tests", "uji-genset.csv", "Kartu uji genset", "Generator tests")
class GeneratorTest(Record):
    """A test run of the generator (Tegal 6.3.5.3)."""

    at: Moment = named("waktu")
    condition: Condition = named("kondisi")
    officer: PrivateWords = named("petugas")
    reported: Date | None = named("dilaporkan", optional=True)
    recommendation: Words | None = named("rekomendasi", optional=True)


@kind("electrical-inspections", "pemeriksaan-listrik.csv", "Kartu perangkat listrik", "Electrical inspections")
class ElectricalInspection(Record):
    """An inspection of the electrical devices (Tegal 6.3.5.1, 6.3.5.2)."""

    on: Date = named("tanggal")
    mcb: Condition = named("mcb")
    ats: Condition = named("ats")
    timer: Condition = named("timer")
    relay: Condition = named("relay")
    others: Condition | None = named("lainnya", optional=True)
    officer: PrivateWords = named("petugas")
    reported: Date | None = named("dilaporkan", optional=True)
    recommendation: Words | None = named("rekomendasi", optional=True)


@kind("ups-certificates", "sertifikat-ups.yml", "Pemeriksaan UPS", "UPS inspections")
class UpsCertificate(Record):
    """An inspection of a UPS by a certified technician (Jambi E.5.c)."""

    on: Date = named("tanggal")
    ups: Words = named("ups")
    technician: PrivateWords = named("teknisi")
    certificate: Words = named("sertifikat")
    valid_until: Date = named("berlaku_sampai")
    condition: Condition = named("kondisi")


# --- Backups and restores -------------------------------------------------------------------------------------------


@kind("backup-media", "media-cadangan.csv", "Buku media cadangan", "Backup media")
class BackupMedium(Record):
    """A medium that left for its safe place (Jambi H.2.g)."""

    on: Date = named("tanggal")
    medium: Words = named("media")
    servers: Names = named("server")
    location: Words = named("lokasi")
    outside_the_room: YesNo = named("di_luar_ruang_server")
    officer: PrivateWords = named("petugas")


@kind("media-reviews", "pemeriksaan-media.csv", "Pemeriksaan media cadangan", "Reviews of backup media")
class MediaReview(Record):
    """A check of a backup medium (Tegal 7.5.5.1)."""

    on: Date = named("tanggal")
    medium: Words = named("media")
    condition: Condition = named("kondisi")
    method: Words = named("cara")
    officer: PrivateWords = named("petugas")


@kind("backup-recaps", "rekap-cadangan.csv", "Rekapitulasi cadangan", "Summaries of backups")
class BackupRecap(Record):
    """The half-yearly summary of backups (Tegal 7.2.5.7)."""

    on: Date = named("tanggal")
    first: Date = named("awal")
    last: Date = named("akhir")
    succeeded: Number = named("berhasil", ge=0)
    failed: Number = named("gagal", ge=0)
    officer: PrivateWords = named("petugas")


@kind("purges", "penghapusan-cadangan.csv", "Penghapusan cadangan", "Deleted backups")
class Purge(Record):
    """A backup that was deleted (Tegal 7.5.5.3)."""

    on: Date = named("tanggal")
    file: Words = named("nama_berkas")
    type: Holding = named("jenis")
    owner: Words = named("pemilik")
    officer: PrivateWords = named("petugas")


@kind("restores", "pemulihan.csv", "Catatan pemulihan", "Restores")
class Restore(Record):
    """A restore, for a drill or in earnest (Jambi H.2.h; Tegal 7.3, 7.4; Jateng restore)."""

    began: Moment = named("mulai")
    ended: Moment | None = named("selesai", optional=True)
    server: Words = named("server")
    holding: Holding = named("jenis")
    object: Words = named("objek")
    size: Number | None = named("ukuran_mb", unit="MB", optional=True, ge=0)
    source: Words | None = named("sumber", optional=True)
    medium_read: YesNo | None = named("media_terbaca", optional=True)
    drill: YesNo = named("latihan")
    request: Words | None = named("permohonan", optional=True)
    approved_by: PrivateWords | None = named("disetujui_oleh", optional=True)
    approved: Date | None = named("disetujui", optional=True)
    succeeded: YesNo | None = named("berhasil", optional=True)
    verified: Words | None = named("cara_memeriksa", optional=True)
    fallback: Words | None = named("langkah_lanjutan", optional=True)
    officer: PrivateWords = named("petugas")
    reported: Date | None = named("dilaporkan", optional=True)

    in_turn = ("began", "ended")


@kind("recovery-plans", "rencana-pemulihan.yml", "Rencana pemulihan", "Recovery plans")
class RecoveryPlan(Record):
    """What is done when a restore fails (Jateng restore.6)."""

    on: Date = named("tanggal")
    services: Names = named("layanan")
    steps: Names = named("langkah", min_length=1)


@kind("recovery-sites", "pusat-pemulihan.yml", "Pusat pemulihan", "Recovery sites")
class RecoverySite(Record):
    """A look at the recovery site (Jambi E.1.i)."""

    visited: Date = named("dikunjungi")
    site: Words = named("tempat")
    services: Names = named("layanan", min_length=1)
    copies_seen: YesNo = named("salinan_ada")
    officer: PrivateWords = named("petugas")


# --- Work on servers ------------------------------------------------------------------------------------------------


class Analysis(Part):
    """What was weighed before the work."""

    on: Date = named("tanggal")
    services: Names = named("layanan_terdampak")
    minutes: Number = named("perkiraan_menit", unit="min", ge=0)
    stops: YesNo = named("layanan_terhenti")
    suitable: YesNo | None = named("sesuai", optional=True)
    capacity: YesNo | None = named("kapasitas_cukup", optional=True)
    reported: Date | None = named("dilaporkan", optional=True)


class Documentation(Part):
    """What was written down about the work."""

    purpose: Words = named("tujuan")
    before: Words = named("keadaan_awal")
    steps: Words = named("langkah")
    result: Words | None = named("hasil", optional=True)


class Wipe(Part):
    """How a device's data was erased (NIST SP 800-88)."""

    on: Date = named("tanggal")
    serial: Words = named("nomor_seri")
    method: Words = named("cara")
    verified_by: PrivateWords = named("diperiksa_oleh")


@kind("work-orders", "perintah-kerja.yml", "Perintah kerja", "Work orders")
class WorkOrder(Record):
    """A piece of work from its order to its file (Tegal 1, 3, 4, 5; Batam lampiran; Kaltim prosedur)."""

    number: Words = named("nomor")
    ordered: Date = named("tanggal")
    ordered_by: PrivateWords = named("pemberi_perintah")
    work: Work = named("pekerjaan")
    object: Words = named("perangkat")
    requested: Date | None = named("permohonan", optional=True)
    requested_by: Words | None = named("pemohon", optional=True)
    devices: Names = named("daftar_perangkat", default=())
    analysis: Analysis | None = named("analisis", optional=True)
    approved: Date | None = named("disetujui", optional=True)
    approved_by: PrivateWords | None = named("disetujui_oleh", optional=True)
    head_told: Date | None = named("kepala_dinas_diberi_tahu", optional=True)
    users_told: Date | None = named("pengguna_diberi_tahu", optional=True)
    backed_up: Moment | None = named("dicadangkan", optional=True)
    started: Moment | None = named("mulai", optional=True)
    ended: Moment | None = named("selesai", optional=True)
    result: Result | None = named("hasil", optional=True)
    tested: Date | None = named("diuji", optional=True)
    test: Words | None = named("uji", optional=True)
    reverted: Date | None = named("dibatalkan", optional=True)
    wipe: Wipe | None = named("penghapusan_data", optional=True)
    documentation: Documentation | None = named("dokumentasi", optional=True)
    reported: Date | None = named("dilaporkan", optional=True)
    reviewed: Date | None = named("ditinjau", optional=True)
    reviewed_by: PrivateWords | None = named("ditinjau_oleh", optional=True)
    filed: Words | None = named("arsip", optional=True)

    in_turn = ("started", "ended")


@kind("configuration-changes", "perubahan-konfigurasi.csv", "Log konfigurasi", "Configuration changes")
class ConfigurationChange(Record):
    """A change of a device's configuration (Tegal 3.1.5.6)."""

    at: Moment = named("waktu")
    device: Words = named("perangkat")
    substance: Words = named("isi")
    officer: PrivateWords = named("petugas")
    order: Words | None = named("perintah_kerja", optional=True)
    tested: YesNo | None = named("diuji", optional=True)


class PlannedItem(Part):
    """One thing to maintain."""

    device: Words = named("perangkat")
    task: Words = named("kegiatan")
    due: Date = named("jatuh_tempo")
    done: Date | None = named("selesai", optional=True)


@kind("maintenance-plans", "rencana-pemeliharaan.yml", "Rencana pemeliharaan", "Maintenance plans")
class MaintenancePlan(Record):
    """The plan for a period (Kaltim prosedur.2)."""

    made: Date = named("disusun")
    first: Date = named("awal")
    last: Date = named("akhir")
    items: tuple[PlannedItem, ...] = named("butir", min_length=1)


@kind("minutes", "berita-acara.yml", "Berita acara", "Minutes")
class Minutes(Record):
    """Signed minutes of a visit or of work (Jambi II.pemeliharaan.4, Tegal 1.4.5.6)."""

    number: Words = named("nomor")
    on: Date = named("tanggal")
    subject: Words = named("hal")
    signatories: Names = named("penanda_tangan", min_length=1)
    filed: Words | None = named("arsip", optional=True)


@kind("disk-replacements", "penggantian-disk.csv", "Penggantian disk", "Disk replacements")
class DiskReplacement(Record):
    """A disk that was replaced (Jambi H.3.a)."""

    on: Date = named("tanggal")
    server: Words = named("server")
    array: Words = named("larik")
    old_serial: Words = named("seri_lama")
    new_serial: Words = named("seri_baru")
    officer: PrivateWords = named("petugas")


# --- Devices and software -------------------------------------------------------------------------------------------


class DeviceState(Choice):
    """Whether a device is in service."""

    ACTIVE = "aktif"
    SPARE = "cadangan"
    DECOMMISSIONED = "dihapuskan"


class Label(Part):
    """A label on a device and on both ends of its cables."""

    on: Date = named("tanggal")
    code: Words = named("kode")
    both_cable_ends: YesNo = named("kedua_ujung_kabel")


class Receipt(Part):
    """How a device came in."""

    docked: Date = named("bongkar_muat")
    staged: Date | None = named("ruang_persiapan", optional=True)
    inspected: Date | None = named("diperiksa", optional=True)
    inspected_by: PrivateWords | None = named("diperiksa_oleh", optional=True)
    approved_by: PrivateWords | None = named("disetujui_oleh", optional=True)
    complete: YesNo | None = named("lengkap", optional=True)
    sound: YesNo | None = named("utuh", optional=True)


class Specification(Part):
    """What a server consists of."""

    processors: Number | None = named("prosesor", optional=True, ge=0)
    memory: Number | None = named("ram_gib", unit="GiB", optional=True, ge=0)
    disks: Number | None = named("disk_gib", unit="GiB", optional=True, ge=0)
    serial: Words | None = named("nomor_seri", optional=True)
    domain: Words | None = named("domain", optional=True)


@kind("device-register", "buku-perangkat.yml", "Buku perangkat", "Device register")
class Device(Record):
    """A device of the data centre (Tegal 1.2.5.4, 3.2; Jambi E.2; Jateng pencatatan)."""

    id: Words = named("kode")
    name: Words = named("nama")
    function: Words = named("fungsi")
    installed: Date = named("dipasang")
    state: DeviceState = named("status")
    state_since: Date | None = named("status_sejak", optional=True)
    host: Words | None = named("server", optional=True)
    specification: Specification | None = named("spesifikasi", optional=True)
    owner: Words | None = named("instansi_pemilik", optional=True)
    contact: PrivateWords | None = named("kontak", optional=True)
    receipt: Receipt | None = named("penerimaan", optional=True)
    standard: Words | None = named("panduan_pemasangan", optional=True)
    label: Label | None = named("label", optional=True)


@kind("software-register", "daftar-perangkat-lunak.yml", "Daftar perangkat lunak", "Software register")
class Software(Record):
    """Software that was installed for a purpose (Tegal 1.3.5.7)."""

    name: Words = named("nama")
    version: Words = named("versi")
    server: Words = named("server")
    function: Words = named("fungsi")
    installed: Date = named("dipasang")
    installed_by: Words = named("dipasang_oleh")
    order: Words | None = named("perintah_kerja", optional=True)
    session: Moment | None = named("sesi_jarak_jauh", optional=True)


@kind("topology", "skema-jaringan.yml", "Skema jaringan", "Network scheme")
class Topology(Record):
    """The network scheme as drawn (Tegal 1.2.5.6, 3.2.5.4)."""

    on: Date = named("tanggal")
    devices: Names = named("perangkat", min_length=1)


@kind("unsupported-applications", "aplikasi-tidak-didukung.yml", "Aplikasi tidak didukung", "Unsupported applications")
class UnsupportedApplication(Record):
    """An application that the servers could not carry (Jambi F.4)."""

    on: Date = named("tanggal")
    application: Words = named("aplikasi")
    decision: Words | None = named("keputusan", optional=True)
    decided_by: PrivateWords | None = named("diputuskan_oleh", optional=True)


@kind("tia-assessments", "penilaian-tia-942.yml", "Penilaian TIA-942", "TIA-942 assessments")
class TiaAssessment(Record):
    """A self-assessment against TIA-942 (Jambi B.1)."""

    on: Date = named("tanggal")
    assessor: PrivateWords = named("penilai")
    tier: Words = named("tingkat")
    gaps: Names = named("kesenjangan", default=())


# --- Remote access, monitoring and the way out -----------------------------------------------------------------------


@kind("remote-sessions", "sesi-jarak-jauh.csv", "Log akun jarak jauh", "Remote sessions")
class RemoteSession(Record):
    """Somebody from outside on a server (Tegal 2.4.5.3, 2.4.5.5)."""

    began: Moment = named("mulai")
    ended: Moment | None = named("selesai", optional=True)
    account: PrivateWords = named("akun")
    server: Words = named("server")
    purpose: Words = named("keperluan")
    officer: PrivateWords = named("petugas")

    in_turn = ("began", "ended")


@kind("port-windows", "jendela-port.csv", "Jendela pembukaan port", "Port windows")
class PortWindow(Record):
    """A port opened for an agreed time (Tegal 2.4.5.1, 2.4.5.4)."""

    begins: Moment = named("mulai")
    ends: Moment = named("sampai")
    closed: Moment | None = named("ditutup", optional=True)
    server: Words = named("server")
    port: Number = named("port", ge=1, le=65535)
    requested_by: PrivateWords = named("pemohon")
    officer: PrivateWords = named("petugas")

    in_turn = ("begins", "ends")


@kind("monitoring-reports", "laporan-pemantauan.csv", "Laporan pemantauan", "Monitoring reports")
class MonitoringReport(Record):
    """What the recordings of a period showed (Tegal 6.1.5.2, 6.1.5.3, 6.2.5.2, 6.2.5.3)."""

    on: Date = named("tanggal")
    subject: Subject = named("hal")
    first: Date = named("awal")
    last: Date = named("akhir")
    analysis: Words | None = named("analisis", optional=True)
    reported_to: PrivateWords | None = named("laporan_kepada", optional=True)
    officer: PrivateWords = named("petugas")


@kind("incidents", "insiden.csv", "Catatan insiden", "Incidents")
class Incident(Record):
    """Trouble, from its being seen to its repair (Tegal 6.1.5.4, 6.1.5.5, 6.2.5.4, 6.3.5.5)."""

    seen: Moment = named("diketahui")
    subject: Subject = named("hal")
    description: Words = named("uraian")
    reported: Moment | None = named("dilaporkan", optional=True)
    reported_to: PrivateWords | None = named("laporan_kepada", optional=True)
    analysis: Words | None = named("analisis", optional=True)
    recommendation: Words | None = named("rekomendasi", optional=True)
    approved: Moment | None = named("disetujui", optional=True)
    repaired: Moment | None = named("diperbaiki", optional=True)
    officer: PrivateWords = named("petugas")


@kind("isp-outages", "gangguan-internet.csv", "Gangguan internet", "Internet outages")
class IspOutage(Record):
    """The internet connection failed (Jambi H.3.c, G.1)."""

    began: Moment = named("mulai")
    ended: Moment | None = named("selesai", optional=True)
    isp: Words = named("penyedia")
    contacted: Moment | None = named("penyedia_dihubungi", optional=True)
    officer: PrivateWords = named("petugas")

    in_turn = ("began", "ended")


class Measurement(Part):
    """A measurement of a connection."""

    on: Date = named("tanggal")
    mbps: Number = named("mbps", unit="Mbps", ge=0)
    target: Words = named("tujuan")


@kind("isp-contracts", "kontrak-isp.yml", "Kontrak penyedia internet", "Contracts with internet providers")
class IspContract(Record):
    """A contract with a provider (Jambi G.1)."""

    number: Words = named("nomor")
    isp: Words = named("penyedia")
    first: Date = named("mulai")
    last: Date = named("sampai")
    international_mbps: Number = named("bandwidth_internasional_mbps", unit="Mbps", ge=0)
    contention: Words = named("rasio")
    sla: Percent = named("sla_pct", unit="%")
    measurements: tuple[Measurement, ...] = named("pengukuran", default=())


# --- People ---------------------------------------------------------------------------------------------------------


class TrainingSubject(Choice):
    """What those in charge must know (Kaltim kualifikasi.2)."""

    SUPPORT_FACILITIES = "sarana pendukung"
    ICT_MAINTENANCE = "pemeliharaan tik"
    ROOM_CLIMATE = "suhu dan kelembapan"


class Training(Part):
    """What somebody was trained in."""

    subject: TrainingSubject = named("hal")
    on: Date = named("tanggal")
    certificate: Words | None = named("sertifikat", optional=True)


@kind("assignment-letters", "surat-tugas.yml", "Surat tugas", "Assignment letters")
class AssignmentLetter(Record):
    """Who is charged with the data centre (Kaltim kualifikasi)."""

    number: Words = named("nomor")
    officer: PrivateWords = named("petugas")
    duty: Words = named("tugas")
    first: Date = named("mulai")
    last: Date = named("sampai")
    trainings: tuple[Training, ...] = named("pelatihan", default=())


@kind("offboarding", "purna-tugas.yml", "Pengelola yang selesai bertugas", "Administrators who left")
class Offboarding(Record):
    """An administrator who left (Jambi G.10)."""

    left: Date = named("berhenti")
    account: Words = named("akun")
    disabled: Date | None = named("akun_dinonaktifkan", optional=True)
    disabled_by: PrivateWords | None = named("dinonaktifkan_oleh", optional=True)
    passwords_changed: Date | None = named("sandi_superuser_diganti", optional=True)


@kind("password-changes", "penggantian-sandi.csv", "Penggantian kata sandi superuser", "Superuser password changes")
class PasswordChange(Record):
    """A coordinated change of superuser passwords; the passwords themselves are in the vault (Jambi G.9)."""

    on: Date = named("tanggal")
    systems: Names = named("sistem")
    officer: PrivateWords = named("petugas")
    coordinated_with: PrivateWords = named("dikoordinasikan_dengan")


# --- Colocation -----------------------------------------------------------------------------------------------------


class AgencyBackup(Part):
    """What was agreed with an agency about backups (Jateng backup)."""

    requested: Date = named("permohonan")
    planned: Date | None = named("direncanakan", optional=True)
    schedule: Words | None = named("jadwal", optional=True)
    days: Number | None = named("selang_hari", unit="d", optional=True, ge=1)
    runs: tuple[Date, ...] = named("pelaksanaan", default=())
    goes_on: YesNo | None = named("dilanjutkan", optional=True)
    stop_requested: Date | None = named("permohonan_berhenti", optional=True)
    stopped: Date | None = named("dihentikan", optional=True)
    stop_notice: Date | None = named("surat_penghentian", optional=True)


@kind("colocations", "kolokasi.yml", "Kolokasi server", "Colocated servers")
class Colocation(Record):
    """An agency's server in the data centre, from its application to its withdrawal (Jateng 067/798)."""

    applied: Date = named("permohonan")
    agency: Words = named("instansi")
    contact: PrivateWords | None = named("kontak", optional=True)
    domain: Words | None = named("domain", optional=True)
    server: Words | None = named("server", optional=True)
    permanent: YesNo | None = named("tetap", optional=True)
    active_from: Date | None = named("aktif_sejak", optional=True)
    valid_until: Date | None = named("berlaku_sampai", optional=True)
    disposed: Date | None = named("disposisi", optional=True)
    clarified: Date | None = named("klarifikasi", optional=True)
    capacity_checked: Date | None = named("kapasitas_diperiksa", optional=True)
    capacity: YesNo | None = named("kapasitas_cukup", optional=True)
    decided: Date | None = named("diputuskan", optional=True)
    decision: Decision | None = named("keputusan", optional=True)
    decided_by: PrivateWords | None = named("diputuskan_oleh", optional=True)
    reasons: Words | None = named("alasan", optional=True)
    notified: Date | None = named("diberitahukan", optional=True)
    handed_over: Date | None = named("serah_terima", optional=True)
    handed_over_by: PrivateWords | None = named("diserahkan_oleh", optional=True)
    received_by: PrivateWords | None = named("diterima_oleh", optional=True)
    specification_checked: YesNo | None = named("spesifikasi_diperiksa", optional=True)
    admin_secret: Words | None = named("rujukan_brankas_sandi", optional=True)
    backup: AgencyBackup | None = named("pencadangan", optional=True)
    withdrawn: Date | None = named("ditarik", optional=True)
    withdrawal_approved: Date | None = named("penarikan_disetujui", optional=True)


# --- Accepted risks ---------------------------------------------------------------------------------------------------

WAIVER_DAYS_MAX = 366


@kind("waivers", "pengecualian.yml", "Pengecualian", "Waivers")
class Waiver(Record):
    """A violation that an office accepts for at most a year; without hosts, wherever it occurs."""

    first: Date = named("mulai")
    last: Date = named("sampai")
    control: Words = named("kendali")
    hosts: Names = named("server", default=())
    reason: Words = named("alasan")
    approver: Words = named("disetujui_oleh")

    in_turn = ("first", "last")

    @model_validator(mode="after")
    def _is_short(self) -> Waiver:
        if (self.last - self.first).days > WAIVER_DAYS_MAX:
            raise ValueError("is longer than a year; decide again then")
        return self
