"""The kinds of values in the configuration: what each may be, with the limits of SMPP where it sets them.

Each is an annotated type. Ranges are pydantic's own; what needs words of ours is a small function that
returns the value or raises `wrong(message, hint)`. Paths are relative to the folder of the configuration
file, which validation gets as its context: `context={"folder": Path}`.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from datetime import MAXYEAR, date, datetime, time
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError
from argon2.low_level import Type
from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo

from gateway.config.problem import did_you_mean, wrong
from gateway.ids import NODE_MAX
from policy import register
from policy.content import ContentFilter, parse_terms
from smpp.message_state import MessageState
from smpp.status import CommandStatus

_ORDINARY = re.compile("[0-9A-Za-z一-鿿]")

SYSTEM_ID_MAX = 15
PASSWORD_MAX = 8
SYSTEM_TYPE_MAX = 12
ADDR_MAX = 20
SERVICE_TYPE_MAX = 5
# More than anybody needs (as seconds it is 31 years), and milliseconds of it still fit the database.
NUMBER_MAX = 1_000_000_000
# A year: as long as that is remembered what a recipient was sent.
CAP_HOURS_MAX = 366 * 24

Words = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1, le=NUMBER_MAX)]
Seconds = Annotated[float, Field(gt=0, le=NUMBER_MAX)]
SecondsOrOff = Annotated[float, Field(ge=0, le=NUMBER_MAX)]
Rate = Annotated[float, Field(ge=0, le=NUMBER_MAX)]
RateAboveZero = Annotated[float, Field(gt=0, le=NUMBER_MAX)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Node = Annotated[int, Field(ge=0, le=NODE_MAX)]
CapHours = Annotated[int, Field(ge=1, le=CAP_HOURS_MAX)]
SegmentsMax = Annotated[int, Field(ge=2, le=255)]
PduMax = Annotated[int, Field(ge=1024, le=1_048_576)]


def _of_smpp(text: str, octets_max: int, section: str) -> str:
    """A C-octet string of SMPP: printable ASCII, at most `octets_max` octets without the NUL."""
    if not text.isascii() or not text.isprintable():
        raise wrong("must be printable ASCII characters only", f"SMPP 3.4 section {section}")
    if len(text) > octets_max:
        raise wrong(
            f"has {len(text)} characters; SMPP allows at most {octets_max}", f"SMPP 3.4 section {section}"
        )
    return text


def _system_id(text: str) -> str:
    return _of_smpp(text, SYSTEM_ID_MAX, "5.2.1")


def _password(text: str) -> str:
    return _of_smpp(text, PASSWORD_MAX, "5.2.2")


def _system_type(text: str) -> str:
    return _of_smpp(text, SYSTEM_TYPE_MAX, "5.2.3")


def service_type(text: str) -> str:
    """`text`, if a message can be of that service_type."""
    return _of_smpp(text, SERVICE_TYPE_MAX, "5.2.11")


def _addr(text: str) -> str:
    return _of_smpp(text, ADDR_MAX, "5.2.8")


SystemId = Annotated[Words, AfterValidator(_system_id)]
Password = Annotated[Words, AfterValidator(_password)]
SystemType = Annotated[str, AfterValidator(_system_type)]
Addr = Annotated[Words, AfterValidator(_addr)]


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", text):
        raise wrong('must be letters, digits, ".", "_" or "-", at most 63, the first a letter or digit')
    return text


def _prefix(text: str) -> str:
    if not re.fullmatch("[0-9]{0,20}", text):
        raise wrong("must be the first digits of destinations", 'such as "86138"; "" is every destination')
    return text


def _country_code(text: str) -> str:
    if not re.fullmatch("([1-9][0-9]{0,2})?", text):
        raise wrong("must be one to three digits", 'such as "86", without "+" or "00"; "" is none')
    return text


def _password_hash(text: str) -> str:
    try:
        parameters = extract_parameters(text)
    except InvalidHashError:
        parameters = None
    if parameters is None or parameters.type is not Type.ID:
        raise wrong("is not an argon2id hash", 'it begins with "$argon2id$"; signet account new makes one')
    return text


Name = Annotated[str, AfterValidator(_name)]
Prefix = Annotated[str, AfterValidator(_prefix)]
CountryCode = Annotated[str, AfterValidator(_country_code)]
PasswordHash = Annotated[str, AfterValidator(_password_hash)]


def check_signature(text: str) -> str:
    """`text`, if it is a signature as it can be registered."""
    if any(mark in text for mark in "【】[]"):
        raise wrong("is written without brackets", "【】 stand around it in messages only")
    if not register.LENGTH_MIN <= len(text) <= register.LENGTH_MAX:
        length = f"{register.LENGTH_MIN} to {register.LENGTH_MAX}"
        raise wrong(f"must have {length} characters, this has {len(text)}")
    if not register.is_well_formed(text):
        raise wrong("must be letters, digits and spaces between them", "contract clause 1(3)")
    return text


def _term(text: str) -> str:
    try:
        ContentFilter({}, [text])
    except ValueError:
        raise wrong("has no letter or digit to look for") from None
    return text


Signature = Annotated[str, AfterValidator(check_signature)]
Term = Annotated[str, AfterValidator(_term)]


def _zone(value: object) -> ZoneInfo:
    try:
        return ZoneInfo(value if isinstance(value, str) else "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(value, available_timezones()) or 'such as "Asia/Shanghai"'
        raise wrong("is not a time zone", hint) from None


def _network(value: object) -> IPv4Network | IPv6Network:
    if not isinstance(value, str):
        raise wrong("must be text, in quotes", 'such as "10.1.0.0/16"')
    try:
        return ip_network(value)
    except ValueError:
        pass
    try:
        covering = ip_interface(value).network
    except ValueError:
        raise wrong("is not an address or a network", 'such as "10.1.0.0/16"') from None
    raise wrong("names a host and a network at once", f'did you mean "{covering}"?')


def is_loopback(text: str) -> bool:
    """Whether only this machine itself can connect to a port at `text`."""
    try:
        return text == "localhost" or ip_address(text).is_loopback
    except ValueError:
        return False


def _loopback(text: str) -> str:
    if not is_loopback(text):
        raise wrong("must be a loopback address, for this port asks for no password", 'such as "127.0.0.1"')
    return text


Zone = Annotated[ZoneInfo, PlainValidator(_zone)]
Network = Annotated[IPv4Network | IPv6Network, PlainValidator(_network)]
Loopback = Annotated[str, AfterValidator(_loopback)]


def _time_of_day(value: object) -> time:
    """TOML's own local time, or text, for `08:00` without seconds is not TOML."""
    if isinstance(value, time):
        return value
    if isinstance(value, str) and re.fullmatch("([01][0-9]|2[0-3])(:[0-5][0-9]){1,2}", value):
        return time.fromisoformat(value)
    raise wrong("must be a time of day", 'such as "08:00" or 08:00:00')


def _moment(value: object) -> datetime | date:
    """A day, or a time of one; the day after it must exist too."""
    if not isinstance(value, date):
        raise wrong("must be a date such as 2026-05-01 or a time such as 2026-05-01T18:00:00, without quotes")
    if value.year == MAXYEAR:
        raise wrong(f"must be before the year {MAXYEAR}")
    return value


def _command_status(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 0xFFFF_FFFF:
        return value
    if isinstance(value, str) and value in CommandStatus.__members__:
        return int(CommandStatus[value])
    hint = did_you_mean(value, CommandStatus.__members__) if isinstance(value, str) else ""
    raise wrong("is not a command_status", hint or 'such as "ESME_RTHROTTLED" or 0x58')


def _message_state(value: object) -> MessageState:
    if isinstance(value, str) and value in MessageState.__members__:
        return MessageState[value]
    hint = did_you_mean(value, MessageState.__members__) or 'such as "DELIVERED" or "REJECTED"'
    raise wrong("is not a state of SMPP", hint)


def _tag(value: object) -> int:
    if isinstance(value, str) and re.fullmatch("0[xX][0-9A-Fa-f]{1,4}", value):
        value = int(value, 16)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 0xFFFF:
        return value
    raise wrong("is not the tag of an optional parameter", 'such as "0x1401" or 0x1401')


def _state_word(text: str) -> str:
    if re.search(r"[\s,;]", text):
        raise wrong("must be one word, as it stands behind stat: in the carrier's receipts")
    return text.upper()


MessageStateName = Annotated[MessageState, PlainValidator(_message_state)]
StateWord = Annotated[Words, AfterValidator(_state_word)]
TimeOfDay = Annotated[time, PlainValidator(_time_of_day)]
Moment = Annotated[datetime | date, PlainValidator(_moment)]
Status = Annotated[int, PlainValidator(_command_status)]
Tag = Annotated[int, PlainValidator(_tag)]


# Six months, which records are kept at least.
DAYS_MIN = 183


def _days(days: int) -> int:
    if 0 < days < DAYS_MIN:
        raise wrong(f"must be {DAYS_MIN} or more, for records are kept for six months", "0 is for ever")
    return days


DaysOrEver = Annotated[int, Field(ge=0, le=100_000), AfterValidator(_days)]


def _path(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str) or not value or "\0" in value:
        raise wrong("must be a path, in quotes")
    folder: Path = info.context["folder"] if info.context else Path()
    try:
        return folder / Path(value).expanduser()
    except RuntimeError:
        raise wrong("begins with the home of a user who is not known here") from None


def _terms(value: object, info: ValidationInfo) -> list[str]:
    """The terms in a file: to name one that cannot be read is as wrong as to name no file."""
    path = _path(value, info)
    try:
        terms = parse_terms(path.read_text("utf-8"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise wrong(f"is not UTF-8 (line {line})", str(path)) from None
    except OSError as error:
        raise wrong(f"cannot be read: {error.strerror}", str(path)) from None
    try:
        # A list may be long, and to compile a term costs more than to see that there is something in it.
        ContentFilter({}, [term for term in terms if not _ORDINARY.search(term)])
    except ValueError as error:
        raise wrong(str(error), str(path)) from None
    return terms


def _certificates(value: object, info: ValidationInfo) -> Path:
    """A file of certificates, PEM: a chain, our own first, or authorities to trust."""
    path = _path(value, info)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        raise wrong("has no certificate in it (PEM)", str(path)) from None
    except OSError as error:
        raise wrong(f"cannot be read: {error.strerror}", str(path)) from None
    return path


def is_pair(certificate: Path | None, key: Path) -> Path:
    """`key`, if it is readable and the key of `certificate`; None stands for one that is wrong already."""
    try:
        is_encrypted = b"ENCRYPTED" in key.read_bytes()
    except OSError as error:
        raise wrong(f"cannot be read: {error.strerror}", str(key)) from None
    if is_encrypted:
        raise wrong("is encrypted, and nobody is there to tell the password", str(key))
    if certificate is None:
        return key
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise wrong("is not the key of the certificate", str(key)) from None
        raise wrong("has no private key in it (PEM) that goes with the certificate", str(key)) from None
    except OSError as error:
        raise wrong(f"cannot be read: {error.strerror}", str(key)) from None
    return key


def _document(value: object, info: ValidationInfo) -> str:
    """The SHA-256 of a file, in hexadecimal: what is kept of it."""
    path = _path(value, info)
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise wrong(f"cannot be read: {error.strerror}", str(path)) from None


def _sha256(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch("[0-9A-Fa-f]{64}", value):
        raise wrong("must be a SHA-256: 64 hexadecimal digits, in quotes")
    return value.lower()


FilePath = Annotated[Path, PlainValidator(_path)]
DocumentFile = Annotated[str, PlainValidator(_document)]
Sha256 = Annotated[str, PlainValidator(_sha256)]
CertificateFile = Annotated[Path, PlainValidator(_certificates)]
TermFile = Annotated[list[str], PlainValidator(_terms)]
