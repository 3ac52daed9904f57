"""Siti's letters from the office's machines and suppliers."""

from __future__ import annotations

from datetime import timedelta

from demo.letters.compose import Draft, page, text, with_files
from demo.letters.files import pdf, table, waves
from demo.letters.pages import Brand, newsletter, receipt

TEAL, INK = "#0f6b74", "#2b3350"
BUILDS = "Tukang Rakit <rakit@kantor.example>"
TICKETS = "Meja Bantuan <bantuan@kantor.example>"
HOSTING = "Awan Rendah <tagihan@awanrendah.example>"
DIGEST = "Harbour Weekly <editor@harbourweekly.example>"
COURSE = "Sekolah Malam <halo@sekolahmalam.example>"
HARBOUR = Brand(
    "harbourweekly.example", TEAL, "Read this week's issue", "Harbour Weekly, Pier 4, Rotterdam"
)


def _build(number: int, hours: int, branch: str, *, passed: bool) -> Draft:
    outcome = "passed" if passed else "failed"
    lines = [
        f"Build {number} on {branch} {outcome}.",
        "",
        "  lint            ok      0:21",
        f"  unit tests      {'ok' if passed else 'FAILED'}      2:0{number % 7}",
        f"  browser tests   {'ok' if passed else 'skipped'}      4:1{number % 9}",
    ]
    if not passed:
        lines += ["", "E   AssertionError: expected 'Rp 145.000', got 'Rp 145,000'"]
    return Draft(
        f"rakit-{number}",
        timedelta(hours=hours),
        BUILDS,
        f"[dermaga] Build {number} {outcome}",
        text("\n".join(lines)),
        headers={"Auto-Submitted": "auto-generated"},
    )


BUILD_LETTERS = [
    _build(number, hours, branch, passed=passed)
    for number, hours, branch, passed in [
        (311, 8, "langkah-1", True),
        (310, 9, "langkah-1", False),
        (309, 33, "kurs-harian", True),
        (308, 80, "peta-rute", True),
        (307, 150, "peta-rute", False),
        (306, 221, "main", True),
    ]
]

TICKET_LETTERS = [
    Draft(
        "tiket-77-1",
        timedelta(days=3, hours=9),
        TICKETS,
        "[#77] Printer lantai dua macet",
        text("Permintaan Anda kami terima. Nomor tiket: 77. Kami datang sebelum makan siang."),
    ),
    Draft(
        "tiket-77-2",
        timedelta(days=3, hours=5),
        TICKETS,
        "Re: [#77] Printer lantai dua macet",
        text(
            "Sudah beres: ada klip kertas berbentuk kucing di dalamnya. Tiket kami tutup.",
            quoting="Printer lantai dua macet lagi, bunyinya seperti kucing.",
        ),
        answers="tiket-77-1",
    ),
]


def _invoice(month: int, days: int, amount: str) -> Draft:
    title = f"Tagihan AR-2026-{month:02}"
    rows = [
        ("Dua mesin kecil", "Rp 420.000"),
        ("Penyimpanan 80 GB", "Rp 96.000"),
        ("Jumlah", amount),
    ]
    intro = "Terima kasih sudah memakai Awan Rendah. Tagihan Anda terlampir."
    dress = page(
        intro + f"\n\nJumlah: {amount}",
        receipt(title, intro, rows, color=INK, foot="Awan Rendah, hosting di ketinggian wajar"),
    )
    file = pdf(f"tagihan-{month:02}.pdf", ["Awan Rendah", title, f"Jumlah {amount}"])
    return Draft(f"tagihan-{month}", timedelta(days=days), HOSTING, title, with_files(dress, file))


INVOICES = [_invoice(11, 5, "Rp 516.000"), _invoice(10, 27, "Rp 498.000")]

WEEKLIES = [
    Draft(
        f"harbour-{47 - week}",
        timedelta(days=7 * week + 1, hours=11),
        DIGEST,
        f"Harbour Weekly: {head}",
        page(
            f"{head}. Also: {second}.",
            newsletter(
                HARBOUR,
                head,
                "Ferries, forms and the people who fill them in. Five minutes, no more.",
                [
                    (head, "What we learned from watching forty people buy one ticket."),
                    (second, "A small change that saved a call centre an hour a day."),
                    ("Job of the week", "Timetable editor, two days a week, sea view."),
                ],
                picture="harbour.png",
            ),
            waves("harbour.png", top=(210, 226, 240), bottom=(30, 80, 110)),
        ),
        headers={
            "List-Id": "<weekly.harbourweekly.example>",
            "List-Unsubscribe": "<https://harbourweekly.example/leave>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )
    for week, (head, second) in enumerate(
        [
            ("The shortest form wins", "Dates without calendars"),
            ("Queues that tell the truth", "Error messages people thank you for"),
            ("One button less", "The case for plain tickets"),
            ("Timetables for humans", "When to say sorry"),
        ]
    )
]

OTHERS = [
    Draft(
        "laporan-penjualan",
        timedelta(days=1, hours=14),
        "Laporan Otomatis <laporan@kantor.example>",
        "Penjualan tiket minggu lalu",
        with_files(
            text("Terlampir angka penjualan per rute. Rute 3 naik 12 persen."),
            table(
                "penjualan.csv",
                [
                    ("Rute", "Tiket", "Nilai (Rp)"),
                    (1, 412, 59740000),
                    (2, 377, 52780000),
                    (3, 208, 41600000),
                    (4, 95, 12350000),
                ],
            ),
        ),
    ),
    Draft(
        "kursus-1",
        timedelta(days=12, hours=9),
        COURSE,
        "Kelas statistik dimulai Selasa",
        text("Halo Siti,\n\nkelas pertama Selasa pukul 19.00. Bawa laptop dan rasa ingin tahu."),
    ),
    Draft(
        "kursus-2",
        timedelta(days=5, hours=12),
        COURSE,
        "Bahan minggu kedua",
        with_files(
            text("Bahan bacaan terlampir. Soal nomor 3 boleh dilewati."),
            pdf("minggu-2.pdf", ["Statistik untuk orang sibuk", "Minggu 2: rata-rata yang bohong"]),
        ),
    ),
    Draft(
        "keamanan",
        timedelta(days=18, hours=4),
        "Keamanan TI <keamanan@kantor.example>",
        "Kata sandi aplikasi diganti tiap enam bulan",
        text(
            """Rekan-rekan,

mulai bulan depan kata sandi aplikasi berlaku enam bulan. Kami tidak akan pernah meminta kata sandi
melalui email; pesan yang memintanya silakan dihapus dan dilaporkan kepada kami.

Tim Keamanan TI"""
        ),
    ),
    Draft(
        "server-disk",
        timedelta(hours=40),
        "penjaga@kantor.example",
        "WARNING disk 81% on arsip-2",
        text("arsip-2: /srv is 81% full (threshold 80%).\nLargest: /srv/foto-kapal (212 GB)"),
        headers={"Auto-Submitted": "auto-generated", "X-Priority": "1"},
    ),
    Draft(
        "survei",
        timedelta(days=22),
        "Survei Kantor <survei@kantor.example>",
        "Kopi atau teh? Survei dapur lima pertanyaan",
        text(
            "Hasilnya dipakai untuk membeli mesin baru. Mohon jujur.\n\nhttps://kantor.example/s/5"
        ),
    ),
]

NOTICES = [*BUILD_LETTERS, *TICKET_LETTERS, *INVOICES, *WEEKLIES, *OTHERS]
