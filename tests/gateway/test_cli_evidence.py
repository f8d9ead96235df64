"""`signet evidence`: what is in the archive, and that the same database gives the same octets."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from hashlib import file_digest, sha256
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert

from gateway.cli import main
from gateway.store import complaints, schema_recipients
from gateway.store.engine import connect
from gateway.store.schema_records import ruleset
from ledger import sql
from ledger.lots import Lot
from ledger.requests import Request
from ledger.standing import open_account
from ledger.transfer import Hold, Kind
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import NUMBER, START, accepted, receipt, reply
from tests.gateway.store.written import BIRTHDAY, body_of, refuse, submit, submit_segments

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
AT = ("--at", "2026-11-24T09:00")
OTHER = "13900000009"
LONG = "尊敬的客户:" + "今天是您生日，生日快乐，" * 8 + "回TD退订【中国银行】"

Signet = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, empty_database: Path) -> Path:
    text = EXAMPLE.read_text("utf-8").replace('#store = "var/signet.db"', 'store = "signet.db"')
    assert text.count('name = "demo"') == 1
    (tmp_path / "config.toml").write_text(text.replace('name = "demo"', 'name = "bank"'), "utf-8")
    shutil.copy(empty_database, tmp_path)
    return tmp_path


@pytest.fixture
def rig(folder: Path) -> Iterator[Rig]:
    rig = Rig(connect(folder / "signet.db", busy_timeout_s=0.0))
    rig.recover()
    yield rig
    rig.close()
    rig.engine.dispose()


@pytest.fixture
def signet(folder: Path) -> Signet:
    return lambda *arguments: CliRunner().invoke(
        main, ["evidence", *arguments], env={"SIGNET_CONFIG": str(folder / "config.toml")}
    )


@pytest.fixture
def files(signet: Signet, folder: Path) -> Callable[..., dict[str, bytes]]:
    """The files in the archive for these arguments."""

    def made(*arguments: str) -> dict[str, bytes]:
        path = folder / f"evidence-{len(list(folder.iterdir()))}.zip"
        result = signet(*arguments, *AT, "-o", str(path))
        assert result.exit_code == 0, result.output
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    return made


def rows(files: dict[str, bytes], table: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files.get(f"{table}.jsonl", b"").splitlines()]


def deliver(rig: Rig, text: str = BIRTHDAY, number: str = NUMBER) -> int:
    sent = submit(rig, text, f"+86{number}", signature="中国银行")
    [claimed] = rig.claim().messages
    rig.record(accepted(claimed, f"c{sent.message_id:x}"))
    rig.hear(receipt(f"c{sent.message_id:x}", number=number))
    return sent.message_id


def remember(rig: Rig) -> None:
    """What else there is of the recipient, and of the rules."""
    with rig.engine.begin() as connection:
        connection.execute(
            insert(ruleset).values(
                version="0123456789ab",
                rules=json.dumps(
                    {"signatures": [{"name": "中国银行", "status": "registered", "evidence": "licence 7"}]}
                ),
                first_used_at=START,
            )
        )
        for account, number in (("bank", NUMBER), ("shop", NUMBER), ("bank", OTHER)):
            connection.execute(
                insert(schema_recipients.consent).values(
                    number=number, account=account, kind="commercial", source="paper", proof_sha256="ab" * 32,
                    granted_at=START, recorded_at=START,
                )
            )  # fmt: skip


def test_the_archive_of_a_message_has_all_that_is_known_of_it(
    rig: Rig, files: Callable[..., dict[str, bytes]]
) -> None:
    message_id = deliver(rig)
    deliver(rig, number=OTHER)
    remember(rig)
    rig.read(reply())
    refused = refuse(rig, "加微信【中国银行】", "SALUTATION_MISSING")
    refuse(rig, "hi", "SIGNATURE_MISSING", account="shop")
    found = files(str(message_id))
    [message] = rows(found, "messages")
    assert (message["message_id"], message["text"], message["state_name"]) == (
        message_id,
        BIRTHDAY,
        "DELIVERED",
    )
    assert bytes.fromhex(message["body"]).endswith(BIRTHDAY.encode("utf-16-be"))
    assert message["submitted_by"] == "bank@127.0.0.1"
    assert [row["outcome_name"] for row in rows(found, "attempts")] == ["ACCEPTED"]
    assert [row["carrier_message_id"] for row in rows(found, "receipts")] == [f"c{message_id:x}"]
    assert [row["kind_name"] for row in rows(found, "transfers")] == ["HOLD", "SETTLE"]
    assert len(rows(found, "deliveries")) == len(rows(found, "lots")) == len(rows(found, "opt_outs")) == 1
    assert [(row["account"], row["number"]) for row in rows(found, "consents")] == [("bank", NUMBER)]
    assert [row["refusal_id"] for row in rows(found, "refusals")] == [refused]
    assert [row["contract"] for row in rows(found, "accounts")] == ["WM39-SMS-0001"]
    assert [row["supplements"] for row in rows(found, "accounts")] == [[]]
    assert [row["version"] for row in rows(found, "rulesets")] == ["0123456789ab"]


def test_the_summaries_say_it_in_two_languages(rig: Rig, files: Callable[..., dict[str, bytes]]) -> None:
    message_id = deliver(rig)
    remember(rig)
    refuse(rig, "加微信【中国银行】", "SALUTATION_MISSING")
    found = files(str(message_id))
    chinese, english = (found[f"summary.{language}.md"].decode() for language in ("zh", "en"))
    assert f"## 短信 {message_id}" in chinese
    assert "- 拒绝规则: SALUTATION_MISSING, 1(3), 短信未以“尊敬XX”称呼开头" in chinese
    assert "- 签名报备: 中国银行, registered, licence 7" in chinese
    assert f"## Message {message_id}" in english
    assert "- Submitted at: 2026-11-23T09:00:00+08:00" in english
    assert f"    {BIRTHDAY}" in english.splitlines()
    assert "- Receipt: DELIVERED, 000, 2026-11-23T09:00:00+08:00" in english
    assert f"- Consent: {NUMBER}, bank, commercial, paper, {'ab' * 32}, 2026-11-23T09:00:00+08:00" in english


def test_what_others_have_written_begins_no_line_of_a_summary(
    rig: Rig, files: Callable[..., dict[str, bytes]]
) -> None:
    sent = submit(rig, BIRTHDAY, f"+86{NUMBER}", signature="x\n## Message 7\u2028- State: DELIVERED")
    summary = files(str(sent.message_id))["summary.en.md"].decode()
    assert "- Signature: x ## Message 7 - State: DELIVERED\n" in summary


def test_a_message_names_its_lots_and_their_price(rig: Rig, files: Callable[..., dict[str, bytes]]) -> None:
    with rig.engine.begin() as connection:
        left = sql.balances(connection, ["bank"])["bank"].remaining
        taken = Request(71, Kind.ADJUST_DOWN, "bank", left, 0, "A1", "a test", rig.now())
        sql.ask(connection, taken)
        sql.topup(connection, Lot(72, "bank", 3, 20, "bank transfer 7", rig.now()))
    message_id = deliver(rig)
    found = files(str(message_id))
    assert rows(found, "charges") == [
        {
            "message_id": message_id,
            "lot_id": 72,
            "reference": "bank transfer 7",
            "units": 1,
            "fen_a_unit": pytest.approx(20 / 3),
            "fen": pytest.approx(20 / 3),
        }
    ]
    assert "- Charged to: bank transfer 7, 1 × 6.6667 fen = 6.67 fen" in found["summary.en.md"].decode()


def test_what_was_refunded_is_charged_to_no_lot(rig: Rig, files: Callable[..., dict[str, bytes]]) -> None:
    with rig.engine.begin() as connection:
        sql.topup(connection, Lot(rig.ids.next(), "shop", 2, 20, "R1", rig.now()))
        sql.topup(connection, Lot(rig.ids.next(), "shop", 9, 9, "R2", rig.now() + 1))
        open_account(connection, "shop", rig.now())
    some, all_of_it = (rig.enroute(f"A{n}", account="shop", units=3) for n in range(2))
    with rig.engine.begin() as connection:
        sql.refund(
            connection, [Hold(some.message_id, "shop", 2), Hold(all_of_it.message_id, "shop", 3)], rig.now()
        )
    found = rows(files(str(some.message_id)), "charges")
    assert [(row["reference"], row["units"], row["fen"]) for row in found] == [("R1", 1, 10.0)]
    assert rows(files(str(all_of_it.message_id)), "charges") == []


def complain(rig: Rig, account: str | None, message_id: int | None, number: str = NUMBER) -> int:
    with rig.engine.begin() as connection:
        made = complaints.add(connection, number, account, message_id, "12321", START, "unwanted", rig.now())
    return made.complaint_id


def test_complaints_of_a_message_and_of_its_recipient_are_there(
    rig: Rig, files: Callable[..., dict[str, bytes]]
) -> None:
    message_id = deliver(rig)
    own = complain(rig, "bank", message_id)
    unlinked = complain(rig, None, None)
    others = complain(rig, "shop", None)
    complain(rig, "bank", None, OTHER)
    with rig.engine.begin() as connection:
        assert complaints.close(connection, own, "blocked", START + 60_000)
    found = files(NUMBER)
    assert [row["complaint_id"] for row in rows(found, "complaints")] == [own, unlinked, others]
    for arguments in ((NUMBER, "--account", "bank"), (str(message_id),)):
        found = files(*arguments)
        assert [row["complaint_id"] for row in rows(found, "complaints")] == [own]
    told = f"{own}, {NUMBER}, bank, {message_id}, 12321, 2026-11-23T09:00:00+08:00, unwanted, "
    told += "2026-11-23T09:01:00+08:00, blocked"
    assert f"- 投诉: {told}" in found["summary.zh.md"].decode().splitlines()
    assert f"- Complaint: {told}" in found["summary.en.md"].decode().splitlines()


def test_a_complaint_of_a_purged_message_is_found_by_the_message(
    rig: Rig, files: Callable[..., dict[str, bytes]]
) -> None:
    message_id = deliver(rig)
    own = complain(rig, "bank", message_id)
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE message SET body = x'', destination_addr = ''")
    assert [row["complaint_id"] for row in rows(files(str(message_id)), "complaints")] == [own]


def agree(rig: Rig, *proofs: bytes) -> None:
    """A consent for each of these proofs."""
    with rig.engine.begin() as connection:
        for place, octets in enumerate(proofs):
            connection.execute(
                insert(schema_recipients.consent).values(
                    number=NUMBER, account="bank", kind="commercial", source="paper",
                    proof_sha256=sha256(octets).hexdigest(), granted_at=START + place, recorded_at=START,
                )
            )  # fmt: skip


@pytest.fixture
def handed_over(folder: Path) -> Path:
    """A folder for what the customer hands over."""
    path = folder / "handed over"
    path.mkdir()
    return path


class TestProofs:
    def test_those_of_the_consents_are_in_the_archive_and_nothing_else(
        self, rig: Rig, files: Callable[..., dict[str, bytes]], handed_over: Path
    ) -> None:
        agree(rig, b"a form", b"a call", b"elsewhere")
        for name, octets in (
            ("form.PDF", b"a form"),
            ("copy of form.pdf", b"a form"),
            ("call.\\..\\evil", b"a call"),
            ("other.txt", b"other"),
        ):
            (handed_over / name).write_bytes(octets)
        (handed_over / "folder.txt").mkdir()
        found = files(NUMBER, "--proofs", str(handed_over))
        form, call, _ = (row["proof"] for row in rows(found, "consents"))
        assert form == f"proofs/{sha256(b'a form').hexdigest()}.pdf"
        assert call == f"proofs/{sha256(b'a call').hexdigest()}"
        assert {name: found[name] for name in found if name.startswith("proofs/")} == {
            form: b"a form",
            call: b"a call",
        }
        manifest = json.loads(found["manifest.json"])
        assert {form, call} < {each["name"] for each in manifest["files"]}

    def test_the_summaries_tell_of_each_consent_whether_its_proof_is_there(
        self, rig: Rig, files: Callable[..., dict[str, bytes]], handed_over: Path
    ) -> None:
        agree(rig, b"a form", b"elsewhere")
        (handed_over / "form.pdf").write_bytes(b"a form")
        found = files(NUMBER, "--proofs", str(handed_over))
        name = f"proofs/{sha256(b'a form').hexdigest()}.pdf"
        for language, there, elsewhere in (
            ("zh", f"证明材料见 {name}", "证明材料不在本档案内"),
            ("en", f"proof in {name}", "proof not in this archive"),
        ):
            told = found[f"summary.{language}.md"].decode().splitlines()
            assert [line.rsplit(", ", 1)[1] for line in told if "paper" in line] == [there, elsewhere]
        assert [row["proof"] for row in rows(files(NUMBER), "consents")] == [None, None]

    def test_what_cannot_be_looked_at_is_told(
        self, rig: Rig, signet: Signet, handed_over: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        agree(rig, b"a form", b"a longer form")
        monkeypatch.setattr("gateway.records.proofs.FILE_MAX", 6)
        (handed_over / "form.pdf").write_bytes(b"a form")
        (handed_over / "longer.pdf").write_bytes(b"a longer form")
        result = signet(NUMBER, "--proofs", str(handed_over), "-o", str(folder / "e.zip"))
        assert result.exit_code == 0
        assert "1 proofs" in result.stdout
        assert result.stderr == f"left out {handed_over / 'longer.pdf'}: larger than 6 octets\n"

    def test_what_is_written_to_while_it_is_read_is_left_out(
        self, rig: Rig, signet: Signet, handed_over: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        agree(rig, b"a form")
        form = handed_over / "form.pdf"
        form.write_bytes(b"a form")

        def digest(file: FileIO, name: str) -> Any:
            found = file_digest(file, name)
            form.write_bytes(b"another form")
            return found

        monkeypatch.setattr("gateway.records.proofs.file_digest", digest)
        result = signet(NUMBER, "--proofs", str(form.parent), "-o", str(folder / "e.zip"))
        assert "0 proofs" in result.stdout
        assert result.stderr == f"left out {form}: changed while it was read\n"

    def test_a_folder_that_is_not_there_is_told(self, signet: Signet, folder: Path) -> None:
        result = signet(NUMBER, "--proofs", str(folder / "none"), "-o", str(folder / "e.zip"))
        assert (result.exit_code, (folder / "e.zip").exists()) == (2, False)


def test_the_manifest_has_the_hash_of_every_file(rig: Rig, files: Callable[..., dict[str, bytes]]) -> None:
    found = files(str(deliver(rig)))
    manifest = json.loads(found.pop("manifest.json"))
    assert {each["name"]: each["sha256"] for each in manifest["files"]} == {
        name: sha256(octets).hexdigest() for name, octets in found.items()
    }
    with rig.engine.begin() as connection:
        revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    assert manifest["revision"] == revision


def test_the_same_database_at_the_same_time_gives_the_same_octets(
    rig: Rig, signet: Signet, folder: Path
) -> None:
    deliver(rig)
    remember(rig)
    first, second, later = folder / "1.zip", folder / "2.zip", folder / "3.zip"
    for path, at in ((first, "2026-11-24"), (second, "2026-11-24"), (later, "2026-11-25")):
        assert signet(NUMBER, "--at", at, "-o", str(path)).exit_code == 0
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes() != later.read_bytes()
    assert first.stat().st_mode & 0o777 == 0o600


def test_a_number_gives_all_that_it_was_sent_in_that_time(
    rig: Rig, files: Callable[..., dict[str, bytes]]
) -> None:
    early = deliver(rig)
    rig.advance(3600)
    late = deliver(rig)
    refused = refuse(rig, "hi", "SIGNATURE_MISSING")
    deliver(rig, number=OTHER)
    assert len(rows(files(f"+86 {NUMBER[:3]} {NUMBER[3:]}"), "messages")) == 2
    found = files(f"+86{NUMBER}")
    assert [row["message_id"] for row in rows(found, "messages")] == [early, late]
    found = files(NUMBER, "--since", "2026-11-23T09:30")
    assert [row["message_id"] for row in rows(found, "messages")] == [late]
    assert [row["refusal_id"] for row in rows(found, "refusals")] == [refused]
    found = files(NUMBER, "--until", "2026-11-23T09:30")
    assert [row["message_id"] for row in rows(found, "messages")] == [early]
    assert rows(found, "refusals") == []


def test_an_account_sees_its_own_only(
    rig: Rig, files: Callable[..., dict[str, bytes]], signet: Signet
) -> None:
    deliver(rig)
    refuse(rig, "hi", "SIGNATURE_MISSING", account="shop")
    remember(rig)
    assert len(rows(files(NUMBER), "refusals")) == 1
    found = files(NUMBER, "--account", "bank")
    assert rows(found, "refusals") == []
    assert [row["account"] for row in rows(found, "consents")] == ["bank"]


@pytest.mark.parametrize("form", ["decimal", "hexadecimal", "told"])
def test_a_message_is_found_by_every_id_that_its_customer_may_know(
    rig: Rig, files: Callable[..., dict[str, bytes]], form: str
) -> None:
    sent = submit(rig, BIRTHDAY, told_as="0a1b2c3d").message_id
    name = {"decimal": str(sent), "hexadecimal": f"{sent:x}", "told": "0a1b2c3d"}[form]
    assert [row["message_id"] for row in rows(files(name), "messages")] == [sent]


def test_a_message_is_found_by_its_carriers_id(rig: Rig, files: Callable[..., dict[str, bytes]]) -> None:
    sent = deliver(rig)
    found = files(f"C{sent:x}", "--carrier", "north")
    assert [row["message_id"] for row in rows(found, "messages")] == [sent]


def test_the_segments_and_parts_of_a_long_message_belong_together(
    rig: Rig, files: Callable[..., dict[str, bytes]]
) -> None:
    long = submit_segments(rig, LONG)
    assert len(long) == 4
    for each in long:
        found = files(str(each.message_id))
        assert [row["message_id"] for row in rows(found, "messages")] == [m.message_id for m in long]
        assert [row["text"] for row in rows(found, "texts")] == [LONG]
        assert f"    {LONG}" in found["summary.zh.md"].decode().splitlines()


def test_a_text_that_was_changed_is_shown_as_it_came_too(
    rig: Rig, files: Callable[..., dict[str, bytes]]
) -> None:
    sent = submit(rig, BIRTHDAY, submitted_body=body_of("尊敬的客户:今天是您生日"))
    found = files(str(sent.message_id))
    [message] = rows(found, "messages")
    assert (message["text"], message["submitted_text"]) == (BIRTHDAY, "尊敬的客户:今天是您生日")
    assert "Text as submitted:\n\n    尊敬的客户:今天是您生日\n" in found["summary.en.md"].decode()


def test_a_purged_message_is_said_to_be(rig: Rig, files: Callable[..., dict[str, bytes]]) -> None:
    sent = deliver(rig)
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE message SET body = x'', destination_addr = ''")
    assert "purged" in files(str(sent))["summary.en.md"].decode()


def test_a_number_that_was_sent_nothing_may_have_records_all_the_same(
    rig: Rig, files: Callable[..., dict[str, bytes]]
) -> None:
    remember(rig)
    rig.read(reply())
    found = files(NUMBER)
    assert [len(rows(found, table)) for table in ("messages", "consents", "opt_outs", "replies")] == [
        0,
        2,
        1,
        1,
    ]


def test_nothing_is_known_of_a_stranger(rig: Rig, signet: Signet, folder: Path) -> None:
    path = folder / "e.zip"
    result = signet("13700000000", "-o", str(path))
    assert (result.exit_code, result.stderr) == (1, "Error: nothing is known of 13700000000\n")
    assert not path.exists()


def test_an_archive_that_is_there_stays_as_it_is(rig: Rig, signet: Signet, folder: Path) -> None:
    path = folder / "e.zip"
    path.write_bytes(b"older")
    result = signet(str(deliver(rig)), "-o", str(path))
    assert (result.exit_code, result.stderr) == (1, f"Error: cannot write {path}: File exists\n")
    assert path.read_bytes() == b"older"


def test_the_supplements_of_the_account_stand_beside_its_contract(
    rig: Rig, files: Callable[..., dict[str, bytes]], folder: Path
) -> None:
    config = folder / "config.toml"
    paper = '{ agreed_on = 2025-03-01, reference = "补充协议一", terms = ["append"], note = "试用" }'
    text = config.read_text("utf-8").replace("#append = false", "append = true")
    config.write_text(text.replace("#supplements = []", f"supplements = [{paper}]"), "utf-8")
    found = files(str(deliver(rig)))
    [account] = rows(found, "accounts")
    assert account["supplements"] == [
        {"agreed_on": "2025-03-01", "reference": "补充协议一", "terms": ["append"], "note": "试用"}
    ]
    assert "- 补充协议: 2025-03-01, 补充协议一, append, 试用" in found["summary.zh.md"].decode()
    assert "- Supplement: 2025-03-01, 补充协议一, append, 试用" in found["summary.en.md"].decode()
