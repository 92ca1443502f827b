"""A year of records for the lab's fleet, ending today: sample data, with gaps left on purpose.

Made anew for the day it is asked for, since records age. Every entry says that it is a sample. What a report must find
in them, and nothing else, stands in :data:`GAPS`.
"""

from __future__ import annotations

import datetime
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from compliance.evidence import kinds, store
from compliance.evidence.fields import Record
from compliance.fleet import Fleet
from lab.topology import Topology

SAMPLE = "data contoh"
# What does not hold, by control: a word that its finding names.
GAPS = {
    "room.temperature": "23.4 °C",
    "room.climate-correction": "koreksi",
    "room.climate-escalation": "dilaporkan",
    "room.climate-log": "5 d",
    "room.inspection-monthly": "60 d",
    "access.visitor-log": "keluar",
    "access.visitor-escort": "pendamping",
    "power.generator-refuel": "isi_bahan_bakar",
    "power.generator-test": "45 d",
    "backup.portable-offsite": "dns01",
    "change.authorised": "disetujui",
    "maintenance.executed-to-plan": "membersihkan debu",
    "remote-access.port-window": "ditutup",
    "incident.reported": "dilaporkan",
    "backup.purge-report": "penghapusan-cadangan.csv",
    "records.complete": "tanggal (2026-02-30)",
}
# Accepted for a while, or no longer.
WAIVED = "power.generator-refuel"
WAIVER_EXPIRED = "access.visitor-escort"
VENDORS = ("CV Teknisi A", "PT Pendingin B")


def write(folder: Path, fleet: Fleet, today: datetime.date, gaps: bool = True) -> None:
    """Write the sample records into a folder of their own, in place of those of a former day.

    :param gaps: whether :data:`GAPS` are left in them; without, everything holds.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    form = folder / "formulir.txt"
    form.write_text(f"{SAMPLE}\n", encoding="utf-8")
    attached = store.attach(folder, form)
    form.unlink()
    for kind, entries in _Year(fleet, today, attached, gaps).all().items():
        store.add(folder, kind, [{"keterangan": SAMPLE, **entry} for entry in entries])
    if not gaps:
        return
    # A gap: a mistake that only a person can make, since our own commands refuse it.
    with (folder / kinds.Purge.kind.file).open("a", encoding="utf-8") as log:
        log.write("2026-02-30,web01-files-lain,berkas,dinas,petugas-b,data contoh,,\n")


class _Year:
    """The records of the year that ends on a day."""

    def __init__(self, fleet: Fleet, today: datetime.date, form: dict[str, str], gaps: bool) -> None:
        self.gaps = gaps
        self.form = form
        self.fleet = fleet
        self.today = today
        self.hosts = list(fleet.hosts)

    def day(self, ago: int) -> str:
        """So many days ago; negative numbers lie ahead."""
        return (self.today - datetime.timedelta(days=ago)).isoformat()

    def at(self, ago: int, time: str) -> str:
        """A time of a day so many days ago."""
        return f"{self.day(ago)} {time}"

    def days(self, first: int, every: int, last: int = 1) -> Iterator[int]:
        """Days ago, from long ago to now."""
        yield from range(first, last - 1, -every)

    def all(self) -> dict[type[Record], list[dict[str, Any]]]:
        """Every kind with its entries."""
        return self.room() | self.access() | self.power() | self.backup() | self.work() | self.assets() | self.rest()

    def room(self) -> dict[type[Record], list[dict[str, Any]]]:
        climate = []
        for ago in self.days(365, 1):
            if self.gaps and 200 <= ago <= 203:
                continue  # a gap: nobody read the thermometer
            # Two waves, of the season and of the days, as a room's climate goes.
            temperature = 21 + 0.4 * math.sin(ago / 40) + 0.3 * math.sin(ago * 1.7)
            humidity = 49 + 4 * math.sin(ago / 25) + 2 * math.sin(ago * 2.3)
            entry = {"waktu": self.at(ago, "08:00"), "suhu_c": f"{temperature:.1f}", "petugas": "petugas-a"}
            entry["kelembapan_pct"] = f"{humidity:.0f}"
            if ago == 120:
                entry |= {"suhu_c": "24.1", "koreksi": "AC kedua dinyalakan", "dilaporkan": self.day(ago)}
            if self.gaps and ago == 20:
                entry["suhu_c"] = "23.4"  # a gap: neither corrected nor reported
            climate.append(entry)
        good = dict.fromkeys((*_INSPECTED, "pendingin"), "baik")
        inspections = [
            {
                "tanggal": self.day(ago),
                **good,
                "petugas": "petugas-a",
                "dilaporkan": self.day(ago - 1),
                "laporan_kepada": "Kepala Bidang Aptika",
                "arsip": "map pemeriksaan",
            }
            for ago in self.days(340, 30, 10)
            if not (self.gaps and ago == 160)  # a gap: a month without an inspection
        ]
        survey = {
            "tanggal": self.day(100),
            "petugas": "petugas-b",
            "kapasitas_pendingin_kw": 14,
            "beban_panas_kw": 9.5,
            "bahan_pemadam": "FM-200",
            "pemadam_diperiksa": self.day(95),
            "rekaman_cctv_hari": 60,
            "cara_pengaman_pintu": ["sidik jari", "kartu"],
            "jabatan_yang_boleh_masuk": ["administrator server", "Kepala Bidang Aptika"],
            **{name: {"kondisi": "baik"} for name in _SURVEYED},
        }
        return {kinds.RoomClimate: climate, kinds.MonthlyInspection: inspections, kinds.RoomSurvey: [survey]}

    def access(self) -> dict[type[Record], list[dict[str, Any]]]:
        visits, minutes = [], []
        for number, ago in enumerate(self.days(360, 15, 5)):
            vendor = number % 3 != 2
            visit = {
                "masuk": self.at(ago, "09:10"),
                "keluar": self.at(ago, "11:40" if vendor else "09:20"),
                "golongan": "vendor" if vendor else "tamu",
                "nama": f"teknisi-{number % 4}" if vendor else f"tamu-{number % 4}",
                "instansi": VENDORS[number % 2] if vendor else "dinas lain",
                "keperluan": "memeriksa pendingin" if vendor else "melihat ruangan",
                "formulir": f"K-{number:03d}",
                "izin_oleh": "Kepala Bidang Aptika",
                "izin_pada": self.at(ago + 1, "14:00"),
                "pendamping": "petugas-a",
                "kegiatan": "filter diganti" if vendor else "melihat-lihat",
                "identitas": "dikembalikan",
                "gawai": "dikembalikan",
                "perekaman": "tidak",
                "tata_tertib_dipatuhi": "ya",
                "pintu_terkunci": "ya",
                "ruangan_sesudahnya": "baik",
            }
            if vendor:
                visit["berita_acara"] = f"BA-{number:03d}"
                minutes.append(
                    {
                        "nomor": f"BA-{number:03d}",
                        "tanggal": self.day(ago),
                        "hal": "kunjungan pemeliharaan",
                        "penanda_tangan": ["petugas-a", visit["nama"]],
                        "arsip": "map berita acara",
                    }
                )
            if self.gaps and ago == 45:
                for name in ("keluar", "kegiatan", "pintu_terkunci", "ruangan_sesudahnya"):
                    visit.pop(name)  # a gap: nobody wrote down that the visitor left
                visit["identitas"] = visit["gawai"] = "dititipkan"
            if self.gaps and ago == 75:
                visit.pop("pendamping")  # a gap: nobody went along
            visits.append(visit)
        entries = [
            {
                "masuk": self.at(ago, "13:00"),
                "keluar": self.at(ago, "13:25"),
                "petugas": "petugas-a" if ago % 2 else "petugas-b",
                "keperluan": "mengganti media cadangan",
                "pintu": "sidik jari",
                "ssh_dicoba": "ya",
                "tata_tertib_dipatuhi": "ya",
                "pintu_terkunci": "ya",
            }
            for ago in self.days(363, 7, 2)
        ]
        removal = {
            "tanggal": self.day(180),
            "perangkat": "PWR-9",
            "nomor_seri": "UPS-0009",
            "alasan": "dihapuskan",
            "disetujui_oleh": "Kepala Bidang Aptika",
            "disetujui": self.day(182),
        }
        return {
            kinds.Visit: visits,
            kinds.Minutes: minutes,
            kinds.StaffEntry: entries,
            kinds.Removal: [removal],
        }

    def power(self) -> dict[type[Record], list[dict[str, Any]]]:
        officer = {"petugas": "petugas-b"}
        outages = [
            {"mulai": self.at(300, "13:05"), "selesai": self.at(300, "14:20"), "genset_menyala": "ya", **officer},
            {
                "mulai": self.at(210, "07:00"),
                "selesai": self.at(210, "18:30"),
                "genset_menyala": "ya",
                "isi_bahan_bakar": self.at(210, "12:00"),
                **officer,
            },
            # A gap: longer than the generator's reserve, and nobody refuelled it.
            {
                "mulai": self.at(60, "06:00"),
                "selesai": self.at(60, "17:00" if self.gaps else "08:00"),
                "genset_menyala": "ya",
                **officer,
            },
        ]
        return {
            kinds.PowerOutage: outages,
            kinds.Fuel: [
                {"tanggal": self.day(ago), "sisa_pct": 90 - ago % 40, **officer} for ago in self.days(350, 28, 4)
            ],
            # A gap: the last test was 45 days ago.
            kinds.GeneratorTest: [
                {"waktu": self.at(ago, "17:00"), "kondisi": "baik", **officer}
                for ago in self.days(353, 28, 40 if self.gaps else 4)
            ],
            kinds.ElectricalInspection: [
                {
                    "tanggal": self.day(ago),
                    **dict.fromkeys(("mcb", "ats", "timer", "relay"), "baik"),
                    **({"relay": "rusak", "dilaporkan": self.day(ago), "rekomendasi": "ganti"} if ago == 177 else {}),
                    **officer,
                }
                for ago in self.days(345, 28, 4)
            ],
            kinds.UpsCertificate: [
                {
                    "tanggal": self.day(ago),
                    "ups": unit.name,
                    "teknisi": "teknisi-ups",
                    "sertifikat": f"SERT-{ago}",
                    "berlaku_sampai": self.day(ago - 365),
                    "kondisi": "baik",
                }
                for unit in self.fleet.ups_units
                for ago in (330, 170, 20)
            ],
        }

    def backup(self) -> dict[type[Record], list[dict[str, Any]]]:
        media = [
            {
                "tanggal": self.day(ago),
                "media": f"disk-{1 + ago % 2}",
                # A gap: dns01's medium has not left the room for a while.
                "server": "; ".join(
                    self.hosts if ago > 70 or not self.gaps else [host for host in self.hosts if host != "dns01"]
                ),
                "lokasi": "brankas kantor arsip",
                "di_luar_ruang_server": "ya",
                "petugas": "petugas-b",
            }
            for ago in self.days(355, 28, 3)
        ]
        reviews = [
            {
                "tanggal": self.day(ago),
                "media": medium,
                "kondisi": "baik",
                "cara": "borg check",
                "petugas": "petugas-b",
            }
            for ago in (320, 160, 12)
            for medium in ("disk-1", "disk-2")
        ]
        recaps = [
            {
                "tanggal": self.day(ago),
                "awal": self.day(ago + 180),
                "akhir": self.day(ago + 1),
                "berhasil": 178,
                "gagal": 2,
                "petugas": "petugas-b",
            }
            for ago in (330, 150)
        ]
        purge = {
            "tanggal": self.day(150),
            "nama_berkas": "web01-files-lama",
            "jenis": "berkas",
            "pemilik": "Dinas Komunikasi dan Informatika",
            "petugas": "petugas-b",
        }
        restores = [
            {
                "mulai": self.at(ago, "09:00"),
                "selesai": self.at(ago, "10:10"),
                "server": "db01",
                "jenis": "basis data",
                "objek": "perizinan",
                "ukuran_mb": 420,
                "sumber": "disk-1",
                "media_terbaca": "ya",
                "latihan": "ya" if drill else "tidak",
                "berhasil": "ya",
                "cara_memeriksa": "jumlah baris dibandingkan",
                "petugas": "petugas-b",
                "dilaporkan": self.day(ago - 1),
                **(
                    {}
                    if drill
                    else {
                        "permohonan": "P-017",
                        "disetujui_oleh": "Kepala Bidang Aptika",
                        "disetujui": self.day(ago + 1),
                    }
                ),
            }
            for ago, drill in ((340, True), (190, False), (40, True))
        ]
        services = [service.name for service in self.fleet.critical_services]
        return {
            kinds.BackupMedium: media,
            kinds.MediaReview: reviews,
            kinds.BackupRecap: recaps,
            kinds.Purge: [purge],
            kinds.Restore: restores,
            kinds.RecoveryPlan: [
                {
                    "tanggal": self.day(300),
                    "layanan": services,
                    "langkah": ["pakai salinan sebelumnya", "hubungi vendor"],
                }
            ],
            kinds.RecoverySite: [
                {
                    "dikunjungi": self.day(200),
                    "tempat": self.fleet.recovery_site,
                    "layanan": services,
                    "salinan_ada": "ya",
                    "petugas": "petugas-b",
                }
            ],
        }

    def order(self, number: int, ago: int, work: str, what: str, **more: Any) -> dict[str, Any]:
        """A piece of work, ordered so many days ago and done five days later."""
        return {
            "nomor": f"PK-{number:03d}",
            "tanggal": self.day(ago),
            "pemberi_perintah": "Kepala Bidang Aptika",
            "pekerjaan": work,
            "perangkat": what,
            "analisis": {
                "tanggal": self.day(ago - 1),
                "layanan_terdampak": [],
                "perkiraan_menit": 30,
                "layanan_terhenti": "tidak",
                "sesuai": "ya",
                "kapasitas_cukup": "ya",
                "dilaporkan": self.day(ago - 1),
            },
            "disetujui": self.day(ago - 2),
            "disetujui_oleh": "Kepala Bidang Aptika",
            "mulai": self.at(ago - 5, "10:00"),
            "selesai": self.at(ago - 5, "11:00"),
            "hasil": "berhasil",
            "diuji": self.day(ago - 5),
            "uji": "layanan menjawab",
            "dokumentasi": {
                "tujuan": "lihat perintah",
                "keadaan_awal": "tercatat",
                "langkah": "tercatat",
                "hasil": "baik",
            },
            "dilaporkan": self.day(ago - 6),
            **more,
        }

    def work(self) -> dict[type[Record], list[dict[str, Any]]]:
        stops = {
            "tanggal": self.day(249),
            "layanan_terdampak": ["perizinan"],
            "perkiraan_menit": 120,
            "layanan_terhenti": "ya",
            "sesuai": "ya",
        }
        told = {"kepala_dinas_diberi_tahu": self.day(247), "pengguna_diberi_tahu": self.day(247)}
        weighed = {
            "tanggal": self.day(190),
            "layanan_terdampak": [],
            "perkiraan_menit": 15,
            "layanan_terhenti": "tidak",
            "dilaporkan": self.day(189),
        }
        orders = [
            self.order(1, 330, "instalasi perangkat keras", "SRV-3"),
            self.order(2, 320, "instalasi perangkat lunak", "web01"),
            self.order(3, 310, "instalasi sarana", "pendingin kedua"),
            self.order(4, 280, "konfigurasi", "web01"),
            self.order(
                5, 250, "pemutakhiran sistem operasi", "db01", analisis=stops, dicadangkan=self.at(246, "08:00"), **told
            ),
            self.order(6, 220, "pemutakhiran perangkat keras", "db01"),
            self.order(
                7,
                185,
                "penghapusan",
                "PWR-9",
                analisis=weighed,
                penghapusan_data={
                    "tanggal": self.day(181),
                    "nomor_seri": "UPS-0009",
                    "cara": "tanpa media penyimpan",
                    "diperiksa_oleh": "petugas-a",
                },
            ),
            self.order(
                8,
                100,
                "pemeliharaan",
                "db01",
                permohonan=self.day(102),
                pemohon="Dinas Penanaman Modal dan Pelayanan Terpadu Satu Pintu",
                daftar_perangkat=["db01"],
                ditinjau=self.day(90),
                ditinjau_oleh="Kepala Dinas Kominfo",
                arsip="map pemeliharaan",
                **self.form,
            ),
            self.order(9, 70, "konfigurasi", "dns01"),
            self.order(10, 300, "konfigurasi", "dns01", hasil="gagal", dibatalkan=self.day(295)),
        ]
        for name in ("disetujui", "disetujui_oleh") if self.gaps else ():
            orders[8].pop(name)  # a gap: nobody permitted it
        short = self.order(11, 150, "instalasi perangkat lunak", "web01", hasil="ditunda")
        short["analisis"] = {**short["analisis"], "sesuai": "tidak"}
        for name in ("mulai", "selesai", "diuji", "uji", "dokumentasi", "dilaporkan"):
            short.pop(name)
        changes = [
            {
                "waktu": self.at(ago - 5, "10:30"),
                "perangkat": device,
                "isi": "batas waktu koneksi",
                "petugas": "petugas-a",
                "perintah_kerja": f"PK-{number:03d}",
                "diuji": "ya",
            }
            for number, ago, device in ((10, 300, "dns01"), (4, 280, "web01"), (9, 70, "dns01"))
        ]
        plan = {
            "disusun": self.day(340),
            "awal": self.day(330),
            "akhir": self.day(-60),
            "butir": [
                {"perangkat": host, "kegiatan": task, "jatuh_tempo": self.day(due), "selesai": self.day(due + 2)}
                for host in self.hosts
                for task, due in (("memeriksa kipas", 200), ("memeriksa kabel", 100))
            ]
            # A gap: overdue. And one that lies ahead.
            + [
                {
                    "perangkat": "db01",
                    "kegiatan": "membersihkan debu",
                    "jatuh_tempo": self.day(6),
                    **({} if self.gaps else {"selesai": self.day(7)}),
                },
                {"perangkat": "web01", "kegiatan": "membersihkan debu", "jatuh_tempo": self.day(-14)},
                {"perangkat": "dns01", "kegiatan": "membersihkan debu", "jatuh_tempo": self.day(-40)},
            ],
        }
        return {
            kinds.WorkOrder: [*orders, short],
            kinds.ConfigurationChange: changes,
            kinds.MaintenancePlan: [plan],
        }

    def assets(self) -> dict[type[Record], list[dict[str, Any]]]:
        def device(code: str, name: str, function: str, ago: int, **more: Any) -> dict[str, Any]:
            return {
                "kode": code,
                "nama": name,
                "fungsi": function,
                "dipasang": self.day(ago),
                "status": "aktif",
                "panduan_pemasangan": "buku petunjuk pabrik",
                "label": {"tanggal": self.day(ago), "kode": code, "kedua_ujung_kabel": "ya"},
                "penerimaan": {
                    "bongkar_muat": self.day(ago + 6),
                    "ruang_persiapan": self.day(ago + 3),
                    "diperiksa": self.day(ago + 4),
                    "diperiksa_oleh": "petugas-a",
                    "disetujui_oleh": "Kepala Bidang Aptika",
                    "lengkap": "ya",
                    "utuh": "ya",
                },
                **more,
            }

        machines = Topology.load().machines
        devices = [
            device(
                f"SRV-{number}",
                host,
                str(self.fleet.hosts[host].role),
                700 - 187 * number,
                server=host,
                spesifikasi=machines[host].specification(host),
            )
            for number, host in enumerate(self.hosts, 1)
        ]
        devices += [
            device("SW-1", "switch inti", "jaringan", 900),
            device("PWR-9", "UPS lama", "daya", 2000, status="dihapuskan", status_sejak=self.day(180)),
        ]
        software = [
            {
                "nama": name,
                "versi": version,
                "server": host,
                "fungsi": function,
                "dipasang": self.day(315),
                "dipasang_oleh": "petugas-a",
                "perintah_kerja": "PK-002",
            }
            for name, version, host, function in (
                ("nginx", "1.22", "web01", "layanan web"),
                ("MariaDB", "10.11", "db01", "basis data"),
                ("BIND", "9.20", "dns01", "nama domain"),
            )
        ]
        return {
            kinds.Device: devices,
            kinds.Software: software,
            kinds.Topology: [
                {"tanggal": self.day(40), "perangkat": [one["kode"] for one in devices if one["status"] == "aktif"]}
            ],
            kinds.UnsupportedApplication: [
                {
                    "tanggal": self.day(150),
                    "aplikasi": "aplikasi arsip lama",
                    "keputusan": "ditolak",
                    "diputuskan_oleh": "Kepala Bidang Aptika",
                }
            ],
            kinds.TiaAssessment: [
                {
                    "tanggal": self.day(300),
                    "penilai": "petugas-b",
                    "tingkat": "1",
                    "kesenjangan": ["jalur daya tunggal"],
                }
            ],
            kinds.DiskReplacement: [
                {
                    "tanggal": self.day(130),
                    "server": "db01",
                    "larik": "/dev/md0",
                    "seri_lama": "HD-001",
                    "seri_baru": "HD-007",
                    "petugas": "petugas-a",
                }
            ],
        }

    def rest(self) -> dict[type[Record], list[dict[str, Any]]]:
        sessions = [
            {
                "mulai": self.at(ago, "10:00"),
                "selesai": self.at(ago, "10:45"),
                "akun": "vendor-a",
                "server": "web01",
                "keperluan": "perbaikan aplikasi",
                "petugas": "petugas-a",
            }
            for ago in self.days(350, 45, 10)
        ]
        windows = [
            {
                "mulai": self.at(ago, "09:55"),
                "sampai": self.at(ago, "11:00"),
                # A gap: once, the port stayed open for a night.
                "ditutup": self.at(ago, "10:50") if not (self.gaps and ago == 80) else self.at(ago - 1, "08:00"),
                "server": "web01",
                "port": 8443,
                "pemohon": "vendor-a",
                "petugas": "petugas-a",
            }
            for ago in self.days(350, 45, 10)
        ]
        reports = [
            {
                "tanggal": self.day(ago),
                "hal": subject,
                "awal": self.day(ago + 28),
                "akhir": self.day(ago),
                "analisis": "beban wajar",
                "laporan_kepada": "Kepala Bidang Aptika",
                "petugas": "petugas-b",
            }
            for ago in self.days(345, 28, 4)
            for subject in ("sumber daya", "jaringan")
        ]

        def incident(ago: int, subject: str, told: int, **more: str) -> dict[str, Any]:
            return {
                "diketahui": self.at(ago, "08:30"),
                "hal": subject,
                "uraian": "beban tinggi" if subject == "sumber daya" else "percobaan masuk berulang",
                "dilaporkan": self.at(told, "09:00"),
                "laporan_kepada": "tim tanggap insiden",
                "analisis": "lihat laporan",
                "rekomendasi": "batasi laju",
                "petugas": "petugas-a",
                **more,
            }

        repaired = {"disetujui": self.at(219, "10:00"), "diperbaiki": self.at(218, "10:00")}
        incidents = [
            incident(220, "sumber daya", 220, **repaired),
            incident(140, "keamanan", 140),
            incident(35, "keamanan", 31 if self.gaps else 35),  # a gap: told after four days
        ]
        contracts = [
            {
                "nomor": f"KTR-{isp.name}",
                "penyedia": isp.name,
                "mulai": self.day(300),
                "sampai": self.day(-65),
                "bandwidth_internasional_mbps": 20,
                "rasio": "1:1",
                "sla_pct": 99.5,
                "pengukuran": [{"tanggal": self.day(90), "mbps": 18.7, "tujuan": "Singapura"}],
            }
            for isp in self.fleet.isps
        ]
        subjects = ("sarana pendukung", "pemeliharaan tik", "suhu dan kelembapan")
        letters = [
            {
                "nomor": f"ST-{number:02d}",
                "petugas": f"petugas-{letter}",
                "tugas": "pengelola ruang server",
                "mulai": self.day(340),
                "sampai": self.day(-20 * number),
                "pelatihan": [{"hal": subject, "tanggal": self.day(400)} for subject in subjects],
            }
            for number, letter in ((1, "a"), (8, "b"))
        ]
        left = [
            {
                "berhenti": person.left.isoformat(),
                "akun": person.name,
                "akun_dinonaktifkan": person.left.isoformat(),
                "dinonaktifkan_oleh": "petugas-a",
                "sandi_superuser_diganti": person.left.isoformat(),
            }
            for person in self.fleet.administrators
            if person.left is not None
        ]
        passwords = [
            {
                "tanggal": self.day(ago),
                "sistem": "OS; MariaDB",
                "petugas": "petugas-a",
                "dikoordinasikan_dengan": "petugas-b",
            }
            for ago in self.days(340, 80, 10)
        ]
        accepted = {
            "permohonan": self.day(320),
            "instansi": "Dinas Perpustakaan",
            "kontak": "sekretariat dinas",
            "domain": "pustaka.lab.example",
            "server": "web01",
            "tetap": "tidak",
            "aktif_sejak": self.day(300),
            "berlaku_sampai": self.day(-65),
            "disposisi": self.day(319),
            "klarifikasi": self.day(317),
            "kapasitas_diperiksa": self.day(316),
            "kapasitas_cukup": "ya",
            "diputuskan": self.day(314),
            "keputusan": "disetujui",
            "diputuskan_oleh": "Kepala Dinas Kominfo",
            "diberitahukan": self.day(313),
            "serah_terima": self.day(305),
            "diserahkan_oleh": "petugas-a",
            "diterima_oleh": "sekretariat dinas",
            "spesifikasi_diperiksa": "ya",
            "rujukan_brankas_sandi": "vault:kolokasi/pustaka",
            "pencadangan": {
                "permohonan": self.day(304),
                "direncanakan": self.day(300),
                "jadwal": "tiap 30 hari",
                "selang_hari": 31,
                "pelaksanaan": [self.day(ago) for ago in self.days(270, 30, 120)],
                "dilanjutkan": "ya",
                "permohonan_berhenti": self.day(110),
                "dihentikan": self.day(100),
                "surat_penghentian": self.day(99),
            },
            **self.form,
        }
        gone = {
            **{key: value for key, value in accepted.items() if key != "pencadangan"},
            "instansi": "Dinas Arsip",
            "server": "arsip01",
            "tetap": "ya",
            "ditarik": self.day(170),
            "penarikan_disetujui": self.day(175),
        }
        refused = {
            key: accepted[key]
            for key in ("permohonan", "instansi", "domain", "tetap", "aktif_sejak", "disposisi", "klarifikasi")
        } | {
            "instansi": "Dinas Pasar",
            "kapasitas_diperiksa": self.day(316),
            "kapasitas_cukup": "tidak",
            "diputuskan": self.day(314),
            "keputusan": "ditolak",
            "diputuskan_oleh": "Kepala Dinas Kominfo",
            "alasan": "daya tidak cukup",
            "diberitahukan": self.day(312),
        }
        return {
            kinds.RemoteSession: sessions,
            kinds.PortWindow: windows,
            kinds.MonitoringReport: reports,
            kinds.Incident: incidents,
            kinds.IspOutage: [
                {
                    "mulai": self.at(ago, "02:00"),
                    "selesai": self.at(ago, "04:30"),
                    "penyedia": self.fleet.isps[0].name,
                    "penyedia_dihubungi": self.at(ago, "02:20"),
                    "petugas": "petugas-a",
                }
                for ago in (260, 140, 25)
            ],
            kinds.IspContract: contracts,
            kinds.AssignmentLetter: letters,
            kinds.Offboarding: left,
            kinds.PasswordChange: passwords,
            kinds.Colocation: [accepted, gone, refused],
            kinds.Waiver: [
                {
                    "mulai": self.day(55),
                    "sampai": self.day(-25),
                    "kendali": WAIVED,
                    "alasan": "tangki tambahan sedang dibeli",
                    "disetujui_oleh": "Kepala Dinas Kominfo",
                },
                {
                    "mulai": self.day(90),
                    "sampai": self.day(10),
                    "kendali": WAIVER_EXPIRED,
                    "alasan": "petugas sakit",
                    "disetujui_oleh": "Kepala Bidang Aptika",
                },
            ],
        }


_INSPECTED = (
    "posisi_rak",
    "kunci_rak",
    "bebas_barang_lain",
    "kebersihan",
    "lantai_panggung",
    "suhu_kelembapan",
    "aliran_udara",
    "pemadam",
    "kabel",
    "panel_terkunci",
)
_SURVEYED = (
    "luas_ruangan",
    "tertutup_dari_luar",
    "pintu_darurat",
    "telepon",
    "termometer",
    "pendingin",
    "letak_pendingin",
    "aliran_udara",
    "lantai_panggung",
    "pemadam",
    "cctv",
    "pengaman_pintu",
    "kabel_utp_568b",
    "kabel_daya_terpisah",
    "pemasangan_sesuai_panduan",
    "mcb",
    "penangkal_petir",
    "genset",
)
