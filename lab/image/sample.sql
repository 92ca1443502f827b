CREATE DATABASE perizinan;
CREATE TABLE perizinan.permohonan (
    nomor INT PRIMARY KEY, jenis VARCHAR(40) NOT NULL, diterima DATE NOT NULL, status VARCHAR(20) NOT NULL);
INSERT INTO perizinan.permohonan VALUES
    (1, 'izin usaha', '2026-01-05', 'selesai'),
    (2, 'izin reklame', '2026-02-11', 'diproses'),
    (3, 'izin lokasi', '2026-03-20', 'ditolak');
