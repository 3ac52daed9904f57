"""Siti's letters from firms: shop, bank, railway, library, newsletters."""

from __future__ import annotations

from datetime import timedelta

from demo.letters.compose import Draft, page, text, with_files
from demo.letters.files import pdf, waves
from demo.letters.pages import Brand, newsletter, receipt

GREEN, BLUE, PLUM = "#2f6f4f", "#1f4f8f", "#7a3560"
SHOP = "Toko Lumbung <pesanan@lumbung.example>"
BANK = "Bank Kerikil <info@bank-kerikil.example>"
RAIL = "Kereta Senja <tiket@kereta-senja.example>"
LIBRARY = "Perpustakaan Kota <pinjam@perpus-kota.example>"
GARDEN = "Kebun Mingguan <kabar@kebunmingguan.example>"
BOOKS = "The Slow Reader <hello@slowreader.example>"
GARDEN_BRAND = Brand(
    "kebunmingguan.example",
    GREEN,
    "Baca selengkapnya",
    "Anda menerima surat ini karena mendaftar di kebunmingguan.example",
)
BOOK_BRAND = Brand(
    "slowreader.example", PLUM, "Read it slowly", "Sent every ten days to 4,102 slow readers"
)


def _bulk(domain: str) -> dict[str, str]:
    return {
        "List-Id": f"<kabar.{domain}>",
        "List-Unsubscribe": f"<https://{domain}/berhenti>, <mailto:berhenti@{domain}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Precedence": "bulk",
    }


ISSUES = [
    ("Menanam di musim hujan", "Pakcoy dalam pot", "Atap dari botol bekas"),
    ("Kompos tanpa bau", "Cacing yang rajin", "Kulit pisang untuk mawar"),
    ("Cabai dari biji", "Kapan memangkas?", "Musuh alami kutu daun"),
    ("Kebun di balkon", "Air dari AC", "Rak dari peti buah"),
]
GARDEN_LETTERS = [
    Draft(
        f"kebun-{48 - week}",
        timedelta(days=7 * week, hours=9, minutes=30),
        GARDEN,
        f"Kebun Mingguan #{48 - week}: {head}",
        page(
            f"{head}\n\nJuga: {second}, {third}.\nBaca: https://kebunmingguan.example/baca",
            newsletter(
                GARDEN_BRAND,
                head,
                "Selamat pagi! Tiga bacaan pendek untuk akhir pekan Anda di kebun.",
                [
                    (head, "Tanah yang gembur lebih penting daripada pupuk yang mahal."),
                    (second, "Cukup sinar tiga jam sehari dan sedikit kesabaran."),
                    (third, "Kiriman pembaca dari Malang, lengkap dengan gambarnya."),
                ],
                picture="kebun.png",
            ),
            waves("kebun.png", top=(222, 236, 200), bottom=(60, 120, 70)),
        ),
        headers=_bulk("kebunmingguan.example"),
    )
    for week, (head, second, third) in enumerate(ISSUES)
]

BOOK_LETTERS = [
    Draft(
        f"slow-{number}",
        timedelta(days=2 + 10 * number, hours=4),
        BOOKS,
        f"The Slow Reader: {head}",
        page(
            f"{head}. {intro}",
            newsletter(
                BOOK_BRAND,
                head,
                intro,
                [
                    ("A shelf of rivers", "Five novels in which the water decides the ending."),
                    ("Read aloud", "Why a chapter a night is still the best use of a lamp."),
                    ("Letters", "You wrote to us about margins, pencils and borrowed books."),
                ],
            ),
        ),
        headers=_bulk("slowreader.example"),
    )
    for number, (head, intro) in enumerate(
        [
            ("The estuary issue", "Where rivers meet the sea, stories change their salt."),
            ("On unfinished books", "Half of the shelf has a bookmark in it. Good."),
            ("Maps in novels", "We love a map. We love a wrong map even more."),
        ]
    )
]


def _order(key: str, ago: timedelta, subject: str, intro: str, total: str) -> Draft:
    rows = [
        ("Beras merah 5 kg", "Rp 92.000"),
        ("Madu hutan 350 ml", "Rp 78.500"),
        ("Ongkos kirim", "Rp 12.000"),
        ("Jumlah", total),
    ]
    words = intro + "\n\n" + "\n".join(f"{name}: {value}" for name, value in rows)
    foot = "Toko Lumbung, Jalan Pasar 12, Magelang"
    html = receipt(subject, intro, rows, color=GREEN, foot=foot)
    return Draft(key, ago, SHOP, subject, page(words, html))


SHOP_LETTERS = [
    _order(
        "pesanan-2041",
        timedelta(days=4, hours=1),
        "Pesanan #2041 kami terima",
        "Terima kasih, Siti. Pesanan Anda sedang kami siapkan.",
        "Rp 182.500",
    ),
    _order(
        "pesanan-2041-kirim",
        timedelta(days=3, hours=2),
        "Pesanan #2041 sudah dikirim",
        "Paket Anda berangkat pagi ini dengan kurir Angin, nomor resi ANG-55120.",
        "Rp 182.500",
    ),
    _order(
        "pesanan-2041-tiba",
        timedelta(days=1, hours=5),
        "Pesanan #2041 sudah tiba",
        "Paket diterima oleh Pak Satpam pukul 10.42. Selamat menikmati!",
        "Rp 182.500",
    ),
]


def _transfer(number: int, hours: int, what: str, amount: str) -> Draft:
    rows = [
        ("Rekening", "****4417"),
        ("Keterangan", what),
        ("Nomor referensi", f"KRK{88120 + number}"),
        ("Nilai", amount),
    ]
    title = "Pemberitahuan transaksi"
    foot = "Bank Kerikil tidak pernah meminta PIN atau kata sandi melalui email."
    intro = "Transaksi berikut tercatat pada rekening Anda."
    words = intro + "\n\n" + "\n".join(f"{name}: {value}" for name, value in rows) + f"\n\n{foot}"
    return Draft(
        f"transaksi-{88120 + number}",
        timedelta(hours=hours),
        BANK,
        f"{title}: {amount}",
        page(words, receipt(title, intro, rows, color=BLUE, foot=foot)),
    )


BANK_LETTERS = [
    _transfer(number, hours, what, amount)
    for number, (hours, what, amount) in enumerate(
        [
            (3, "Transfer masuk: Studio Kantor", "Rp 6.250.000"),
            (30, "Pembayaran listrik", "Rp 412.300"),
            (75, "Toko Lumbung", "Rp 182.500"),
            (170, "Penarikan tunai", "Rp 500.000"),
            (260, "Iuran RT 05", "Rp 50.000"),
            (410, "Kereta Senja", "Rp 290.000"),
        ]
    )
]

OTHERS = [
    Draft(
        "pernyataan",
        timedelta(days=19),
        BANK,
        "Rekening koran bulan lalu",
        with_files(
            text("Rekening koran Anda terlampir sebagai PDF.\n\nBank Kerikil"),
            pdf("rekening-koran.pdf", ["Bank Kerikil", "Rekening ****4417", "Saldo Rp 11.204.750"]),
        ),
    ),
    Draft(
        "tiket-913",
        timedelta(days=17, hours=3),
        RAIL,
        "E-tiket Anda: Yogyakarta - Bandung",
        with_files(
            text("Selamat jalan, Siti!\n\nKereta 913, gerbong 4, kursi 7A. Tunjukkan PDF ini."),
            pdf("e-tiket-913.pdf", ["Kereta Senja 913", "Gerbong 4, kursi 7A", "Siti Rahma"]),
        ),
    ),
    Draft(
        "pinjam-1",
        timedelta(days=9),
        LIBRARY,
        "Dua buku jatuh tempo lima hari lagi",
        text(
            """Buku yang Anda pinjam:

  - Sungai yang Tidak Pulang
  - Panduan Merajut untuk Pemula

Perpanjang lewat laman kami atau di meja depan."""
        ),
    ),
    Draft(
        "pinjam-2",
        timedelta(days=4, hours=12),
        LIBRARY,
        "Pengingat: jatuh tempo hari ini",
        text("Dua buku Anda jatuh tempo hari ini. Denda Rp 500 per hari per buku."),
        answers="pinjam-1",
    ),
    Draft(
        "cafe-latin1",
        timedelta(days=13, hours=6),
        "Café Lumière <bonjour@lumiere.example>",
        "Votre réservation est confirmée",
        text(
            """Bonjour Madame Rahma,

votre table pour quatre personnes est réservée samedi à 19 h 30, côté fenêtre.
Le menu du marché coûte 245 000 roupies; les crêpes sont offertes aux enfants.

À très bientôt,
Amélie""",
            charset="iso-8859-1",
        ),
    ),
]

ON_THE_WAY = [
    Draft(
        "kurir-1",
        timedelta(minutes=-4),
        "Kurir Angin <lacak@kurir-angin.example>",
        "Kurir Anda hampir sampai",
        text("Paket ANG-55987 akan tiba dalam 15 menit. Siapkan kopi untuk kurirnya. :)"),
    ),
]

NOTICES = [*GARDEN_LETTERS, *BOOK_LETTERS, *SHOP_LETTERS, *BANK_LETTERS, *OTHERS, *ON_THE_WAY]
