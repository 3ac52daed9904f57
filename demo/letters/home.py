"""Siti's letters at home: family, friends and neighbours."""

from __future__ import annotations

from datetime import timedelta

from demo.letters.compose import Draft, bounce, invitation, page, text, with_files
from demo.letters.files import pdf, table, waves
from demo.letters.pages import right_to_left

DEWI = "Dewi Anggraini <dewi@contoh.example>"
BAYU = "Bayu Rahman <bayu.rahman@contoh.example>"
IBU = "Ibu <nurhayati@contoh.example>"
RT = "Pengurus RT 05 <rt05@melati.example>"
TOM = "Tom Whitfield <tom@whitfield.example>"
SCHOOL = "SD Tunas Bangsa <kabar@sdtunas.example>"

REUNION = """Halo semua,

Tahun ini giliran kita yang menjadi tuan rumah. Usul saya: Sabtu siang di rumah Ibu, mulai
pukul sebelas. Anak-anak bisa bermain di halaman belakang.

Siapa bawa apa?

Dewi"""
REUNION_ANSWER = """Setuju! Saya bawa sate dan minuman. Tolong jangan lupa tikar, yang tahun
lalu sudah sobek.

Bayu"""
VISIT = """Dear Siti,

we have booked our flights: we land in Yogyakarta on the 14th and stay for nine days. Could you
tell me whether the path to the viewpoint is open again? The children talk about nothing else.

Warm wishes from a grey Leeds,
Tom"""

PEOPLE = [
    Draft(
        "reuni-1",
        timedelta(days=6, hours=3),
        DEWI,
        "Kumpul keluarga bulan depan",
        text(REUNION),
        cc=BAYU,
    ),
    Draft(
        "reuni-2",
        timedelta(days=5, hours=22),
        BAYU,
        "Re: Kumpul keluarga bulan depan",
        text(REUNION_ANSWER, quoting=REUNION),
        answers="reuni-1",
        cc=DEWI,
    ),
    Draft(
        "reuni-3",
        timedelta(days=5, hours=4),
        IBU,
        "Re: Kumpul keluarga bulan depan",
        text("Ibu masak gudeg. Tikar ada tiga di gudang, tidak usah beli.", quoting=REUNION_ANSWER),
        answers="reuni-2",
        cc=f"{DEWI}, {BAYU}",
    ),
    Draft(
        "reuni-4",
        timedelta(hours=5),
        DEWI,
        "Re: Kumpul keluarga bulan depan",
        with_files(
            text("Ini daftarnya, supaya tidak ada yang membawa kerupuk dua kali. Sampai Sabtu!"),
            table(
                "daftar-bawaan.csv",
                [("Siapa", "Bawa apa", "Jumlah"), ("Bayu", "Sate", 60), ("Siti", "Es buah", 2)],
            ),
        ),
        answers="reuni-3",
        cc=f"{BAYU}, {IBU}",
    ),
    Draft("kunjungan-1", timedelta(days=12), TOM, "We are coming to Yogyakarta!", text(VISIT)),
    Draft(
        "kunjungan-2",
        timedelta(days=9, hours=2),
        TOM,
        "Re: We are coming to Yogyakarta!",
        text(
            """Thank you, that is perfect. I have noted the small guest house near the market.

> The path is open again since Monday, but go early: clouds come at nine.

Then we will be the ones with torches at half past four.

>> Could you tell me whether the path to the viewpoint is open again?

Tom"""
        ),
        answers="kunjungan-1",
    ),
    Draft(
        "kunjungan-3",
        timedelta(days=1, hours=7),
        TOM,
        "Re: We are coming to Yogyakarta!",
        with_files(
            text("Our tickets, in case somebody has to find us. See you very soon!\n\nTom"),
            pdf(
                "itinerary.pdf",
                [
                    "Itinerary - Whitfield, 2 adults, 2 children",
                    "Leeds - Singapore - Yogyakarta",
                    "Booking TQ7KLM (this is an invented ticket)",
                ],
            ),
        ),
        answers="kunjungan-2",
    ),
    Draft(
        "foto-pantai",
        timedelta(days=3, hours=1),
        BAYU,
        "Foto dari pantai",
        page(
            "Airnya biru sekali. Lain kali kamu harus ikut!\n\nBayu",
            """<html><body><p>Airnya biru sekali. Lain kali kamu <b>harus</b> ikut!</p>
<p><img src="cid:pantai.png" alt="Laut dan langit" style="max-width:100%"></p><p>Bayu</p>
</body></html>""",
            waves("pantai.png", top=(120, 190, 240), bottom=(20, 90, 160)),
        ),
    ),
    Draft(
        "rt-kerja-bakti",
        timedelta(days=2, hours=6),
        RT,
        "Kerja bakti hari Minggu",
        text(
            """Bapak/Ibu warga RT 05 yang baik,

Minggu ini kita membersihkan selokan di Jalan Melati sebelum musim hujan. Kumpul pukul 06.30 di
pos ronda. Mohon membawa sapu, cangkul atau karung bila ada. Sarapan disediakan oleh ibu-ibu PKK.

Hormat kami,
Pengurus RT 05"""
        ),
        headers={"List-Id": "Warga RT 05 <warga.melati.example>"},
    ),
    Draft(
        "rt-iuran",
        timedelta(days=17),
        RT,
        "Laporan kas RT bulan lalu",
        with_files(
            text("Terlampir laporan kas. Saldo akhir Rp 4.315.000. Terima kasih atas iurannya."),
            table(
                "kas-rt05.csv",
                [
                    ("Tanggal", "Keterangan", "Masuk", "Keluar"),
                    ("03", "Iuran warga", 1850000, 0),
                    ("11", "Lampu jalan", 0, 420000),
                    ("24", "Konsumsi rapat", 0, 185000),
                ],
            ),
        ),
    ),
    Draft(
        "sekolah-rapor",
        timedelta(days=4, hours=8),
        SCHOOL,
        "Undangan pengambilan rapor",
        invitation(
            "Yth. Orang tua murid,\n\nkami mengundang Bapak/Ibu untuk mengambil rapor.",
            uid="rapor-5b@sdtunas.example",
            summary="Pengambilan rapor kelas 5B",
            place="Aula SD Tunas Bangsa",
            after=timedelta(days=6, hours=2),
        ),
    ),
    Draft(
        "sekolah-bekal",
        timedelta(days=15),
        SCHOOL,
        "Hari bekal sehat",
        text("Jumat ini anak-anak diminta membawa bekal dari rumah. Tanpa plastik, ya!"),
    ),
    Draft(
        "bounce-reuni",
        timedelta(days=5, hours=21, minutes=58),
        "Mail Delivery System <mailer-daemon@contoh.example>",
        "Undelivered Mail Returned to Sender",
        bounce(
            """This is the mail system at pop.contoh.example.

Your message could not be delivered to one recipient. The reason is below; there is no
need to write to anybody about it, but the address may be out of date.

<rini.lama@tidakada.example>: Recipient address rejected: no such user""",
            recipient="rini.lama@tidakada.example",
            status="5.1.1",
            reason="550 5.1.1 no such user here",
            original="From: siti@contoh.example\nTo: rini.lama@tidakada.example\n"
            "Subject: Kumpul keluarga bulan depan\nMessage-ID: <kirim-771@contoh.example>",
        ),
        headers={"Auto-Submitted": "auto-replied"},
    ),
    Draft(
        "layla-1",
        timedelta(days=8, hours=10),
        "ليلى حداد <layla@haddad.example>",
        "وصفة القهوة بالهيل",
        page(
            "مرحبا سيتي،\n\nهذه هي وصفة القهوة التي سألت عنها.\n\nليلى",
            right_to_left(
                [
                    "مرحبا سيتي،",
                    "هذه هي وصفة القهوة التي سألت عنها: ملعقتان من البن لكل فنجان، وحبتا هيل.",
                    "اتركيها على نار هادئة (about 5 minutes) ثم قدميها مع التمر.",
                    "مع محبتي، ليلى",
                ]
            ),
        ),
    ),
    Draft(
        "resep",
        timedelta(days=21),
        IBU,
        "Resep gudeg (panjang!)",
        text(
            "Siti sayang, ini resep lengkapnya. Simpan baik-baik.\n\n"
            + "\n\n".join(
                f"{step}. {words}"
                for step, words in enumerate(
                    [
                        "Kupas satu kilo nangka muda, potong kecil, rebus dengan daun salam.",
                        "Haluskan sepuluh siung bawang merah, lima bawang putih dan kemiri.",
                        "Masukkan santan encer dan gula jawa. Jangan pelit gula jawa.",
                        "Tutup rapat, api paling kecil, empat jam. Jangan sering dibuka.",
                        "Tambahkan santan kental dan telur rebus yang sudah dikupas.",
                        "Masak lagi sampai kuah habis. Warnanya harus cokelat tua.",
                        "Diamkan semalam. Besok pagi rasanya baru benar.",
                        "Sajikan dengan krecek dan ayam opor. Sisanya boleh dibekukan.",
                    ],
                    start=1,
                )
            )
            + "\n\nKalau gagal, telepon Ibu. Kalau berhasil, telepon juga."
        ),
    ),
    Draft(
        "tanpa-subjek",
        timedelta(days=1, hours=20),
        BAYU,
        "",
        text("Kunci motor ada di bawah pot bunga."),
    ),
]
