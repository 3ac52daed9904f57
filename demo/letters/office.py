"""Siti's letters at the office: colleagues, clients and partners."""

from __future__ import annotations

from datetime import timedelta, timezone

from demo.letters.compose import Draft, bounce, invitation, page, text, with_files
from demo.letters.files import pdf, table, waves

AGUS = "Agus Pranoto <agus@kantor.example>"
MAYA = "Maya Lestari <maya@kantor.example>"
HANNA = "Hanna Berg <hanna.berg@blueheron.example>"
KENJI = "佐藤 健二 <kenji@minato.example>"
PEOPLE_TEAM = "Tim SDM <sdm@kantor.example>"
LONDON, TOKYO, BERLIN = (timezone(timedelta(hours=hours)) for hours in (0, 9, 1))

KICKOFF = """Hi Siti, hi Agus,

here is what we agreed on the phone: the new booking page goes live before the holidays, in
English first. We would rather have three steps that work than seven that shine.

Open questions:
 1. Who writes the texts for the ferry routes?
 2. Do we keep the old calendar for a month?
 3. Can the price be shown in two currencies?

Best,
Hanna"""
KICKOFF_AGUS = """Hi Hanna,

> 1. Who writes the texts for the ferry routes?

We do, Maya has the drafts.

> 2. Do we keep the old calendar for a month?

Yes, under /old. It costs nothing and calms everybody.

> 3. Can the price be shown in two currencies?

Siti, is that hard?

Agus"""

DEPLOY = """Siti asked me to write it down before I forget it again.

1. Pull the branch and run the checks. If they are red, stop here and have tea.

2. Tag the release with the date. We tried numbers; nobody could remember them.

3. Copy the database first. A copy that was never restored is only a hope, so restore last week's
copy on the spare machine while the new one is being made.

4. Switch the web processes one by one and watch the error page for two minutes after each. Most
faults show within the first minute, the rest in the night.

5. Run the migrations before the switch when they only add, and after it when they take away.
Never both on a Friday.

6. Book a ferry yourself. Pay with the test card. Cancel it again. Read the mails it sends as if
you were somebody's grandmother.

7. Write two lines in the log book: what changed, and how to go back.

That is all. It takes twenty minutes and one biscuit.

Agus"""

PEOPLE = [
    Draft(
        "dermaga-1",
        timedelta(days=10, hours=5),
        HANNA,
        "Booking page: what we agreed",
        text(KICKOFF),
        cc=AGUS,
        zone=BERLIN,
    ),
    Draft(
        "dermaga-2",
        timedelta(days=10, hours=2),
        AGUS,
        "Re: Booking page: what we agreed",
        text(KICKOFF_AGUS),
        answers="dermaga-1",
        cc=HANNA,
    ),
    Draft(
        "dermaga-3",
        timedelta(days=9, hours=20),
        MAYA,
        "Re: Booking page: what we agreed",
        text("Drafts are in the shared folder. Route 3 has no name yet, ideas welcome!"),
        answers="dermaga-2",
        cc=f"{HANNA}, {AGUS}",
    ),
    Draft(
        "dermaga-4",
        timedelta(days=8, hours=6),
        HANNA,
        "Re: Booking page: what we agreed",
        text(
            "“The Long Way Round”. It is the slowest one, so let us be proud of it.\n\nHanna",
            quoting="Route 3 has no name yet, ideas welcome!",
        ),
        answers="dermaga-3",
        cc=f"{MAYA}, {AGUS}",
        zone=BERLIN,
    ),
    Draft(
        "dermaga-5",
        timedelta(hours=2),
        HANNA,
        "Re: Booking page: what we agreed",
        with_files(
            text("The signed offer is attached. Shall we look at the first step together?"),
            pdf("offer-signed.pdf", ["Blue Heron Travel", "Offer 2026-117, signed H. Berg"]),
        ),
        answers="dermaga-4",
        cc=AGUS,
        zone=BERLIN,
    ),
    Draft(
        "rapat-1",
        timedelta(days=2, hours=7),
        MAYA,
        "Undangan: tinjauan desain langkah 1",
        invitation(
            "Halo, mari kita lihat bersama langkah pertama sebelum Hanna melihatnya.",
            uid="tinjauan-1@kantor.example",
            summary="Tinjauan desain langkah 1",
            place="Ruang Muara",
            after=timedelta(days=4),
        ),
        cc=AGUS,
    ),
    Draft(
        "rapat-2",
        timedelta(days=2, hours=3),
        AGUS,
        "Re: Undangan: tinjauan desain langkah 1",
        text("Saya ikut, tetapi baru bisa setengah jam kemudian. Mulai saja tanpa saya.\n\nAgus"),
        answers="rapat-1",
        cc=MAYA,
    ),
    Draft(
        "notulen-1",
        timedelta(days=6, hours=8),
        MAYA,
        "Notulen rapat Senin",
        text("""Hadir: Siti, Agus, Maya

Keputusan
  * Harga ditampilkan dalam rupiah dan euro; kurs diambil sekali sehari.
  * Kalender lama tetap ada selama satu bulan.
  * Uji coba dengan lima orang sebelum tayang.

Tugas
  * Siti: halaman pembayaran (Kamis)
  * Agus: peta rute (Jumat)
  * Maya: teks bahasa Indonesia (Rabu)

Maya"""),
    ),
    Draft(
        "notulen-2",
        timedelta(days=5, hours=23),
        AGUS,
        "Re: Notulen rapat Senin",
        text(
            "Catatan kecil: kurs diambil pukul 07.00, bukan tengah malam.",
            quoting="kurs diambil sekali sehari.",
        ),
        answers="notulen-1",
    ),
    Draft(
        "sketsa",
        timedelta(days=3, hours=4),
        MAYA,
        "Sketsa halaman depan, versi dua",
        page(
            "Dua usul warna. Saya suka yang kedua.",
            """<html><body><p>Dua usul warna. Saya suka yang <em>kedua</em>.</p>
<table role="presentation"><tr><td><img src="cid:usul-1.png" width="220" alt="Usul 1"></td>
<td><img src="cid:usul-2.png" width="220" alt="Usul 2"></td></tr></table></body></html>""",
            waves("usul-1.png", top=(250, 220, 180), bottom=(200, 110, 70), width=240),
            waves("usul-2.png", top=(200, 235, 235), bottom=(20, 110, 120), width=240),
        ),
    ),
    Draft(
        "minato-1",
        timedelta(days=7, hours=11),
        KENJI,
        "打ち合わせのお願い",
        text("""シティ様

いつもお世話になっております。港旅行社の佐藤です。
予約ページの日本語版について、来週ご相談できますでしょうか。
水曜日の午前中はいかがでしょう。

どうぞよろしくお願いいたします。
佐藤 健二"""),
        zone=TOKYO,
    ),
    Draft(
        "minato-2",
        timedelta(days=4, hours=10),
        KENJI,
        "Re: 打ち合わせのお願い",
        text("ありがとうございます。水曜日の10時(日本時間)にお電話いたします。\n\n佐藤"),
        answers="minato-1",
        zone=TOKYO,
    ),
    Draft(
        "kaete",
        timedelta(days=14, hours=3),
        "Käte Böhm <kaete@boehm-druck.example>",
        "Angebot für die Prospekte",
        text(
            """Sehr geehrte Frau Rahma,

gern drucken wir die Prospekte für die Fähren: 500 Stück, gefaltet, auf Recyclingpapier,
für 310 Euro zuzüglich Porto. Die Größe 148 x 210 mm passt in jeden Ständer.

Mit freundlichen Grüßen
Käte Böhm""",
            charset="iso-8859-1",
        ),
        zone=BERLIN,
    ),
    Draft(
        "cuti",
        timedelta(days=11, hours=6),
        PEOPLE_TEAM,
        "Sisa cuti tahun ini",
        with_files(
            text("Sisa cuti Anda 6 hari. Ajukan sebelum tanggal 15, ya."),
            table("cuti.csv", [("Nama", "Sisa"), ("Siti Rahma", 6), ("Agus", 2)]),
        ),
    ),
    Draft(
        "gaji",
        timedelta(days=20),
        PEOPLE_TEAM,
        "Slip gaji",
        with_files(
            text("Slip gaji Anda terlampir. Pertanyaan? Balas email ini saja."),
            pdf("slip-gaji.pdf", ["Studio Kantor", "Slip gaji: Siti Rahma"]),
        ),
    ),
    Draft(
        "bounce-kantor",
        timedelta(days=8, hours=1),
        "Mail Delivery System <mailer-daemon@kantor.example>",
        "Delivery failed: mailbox full",
        bounce(
            """Your message could not be delivered for two days; nobody will try again.

<info@pelabuhan.example>: the recipient's mailbox is full""",
            recipient="info@pelabuhan.example",
            status="4.2.2",
            reason="452 4.2.2 mailbox full",
            original="From: siti.rahma@kantor.example\nTo: info@pelabuhan.example\n"
            "Subject: Jadwal feri\nMessage-ID: <kirim-902@kantor.example>",
        ),
        headers={"Auto-Submitted": "auto-replied"},
    ),
    Draft(
        "panjang",
        timedelta(days=16, hours=2),
        AGUS,
        "How we deploy (long, for the wiki)",
        text(DEPLOY),
    ),
    Draft(
        "makan-siang",
        timedelta(hours=26),
        MAYA,
        "Makan siang Jumat?",
        text("Warung baru di seberang jembatan. Saya pesan meja untuk enam orang.\n\nMaya"),
    ),
    Draft(
        "panggilan",
        timedelta(days=1, hours=1),
        HANNA,
        "Quick question about the refund text",
        text("Is “within five days” five working days? The lawyers would like to know.\n\nHanna"),
        zone=LONDON,
    ),
    Draft(
        "panggilan-2",
        timedelta(minutes=-2),
        HANNA,
        "Re: Quick question about the refund text",
        text("Never mind, Maya told me: working days. Have a good evening!\n\nHanna"),
        answers="panggilan",
        zone=LONDON,
    ),
]
