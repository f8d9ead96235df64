"""The gateway's settings as values: what an administrator has decided, checked and compiled.

`config` makes a `Settings` out of the TOML file; nobody else reads the file. A reload makes a second
one, and the two are compared as values. Money, messages and recipients' choices are not here: the
store says what happened, the settings say who may do what.

Durations end in `_s` and are seconds; a limit ends in `_max`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from zoneinfo import ZoneInfo

from policy.content import ContentFilter
from policy.facts import MessageClass
from policy.frequency import Cap
from policy.ruleset import Ruleset
from policy.template import PLACES_MAX
from policy.working_days import WorkingDays
from smpp.message_id import GUESSED, Notations
from smpp.message_state import MessageState
from smpp.receipt import ALL_TLVS, ReceiptTlvs
from smpp.text import Alphabet


class SegmentsMode(StrEnum):
    """What to do with a segment that a customer sends as a submit_sm of its own."""

    JOIN = "join"
    REFUSE = "refuse"
    PASS = "pass"


class LongForm(StrEnum):
    """How a carrier wants a long message: in parts, with a header or the sar TLVs, or whole."""

    UDH8 = "udh8"
    UDH16 = "udh16"
    SAR = "sar"
    PAYLOAD = "payload"


class StatusStyle(StrEnum):
    """Which command_status a policy refusal gets: the rule's own (vendor range) or SMPP's nearest."""

    VENDOR = "vendor"
    STANDARD = "standard"


class InDoubtPolicy(StrEnum):
    """What to do with a message whose submit upstream was never answered."""

    PARK = "park"
    RESEND = "resend"


class Charge(StrEnum):
    """When a message is charged for good: once a carrier has accepted it, or once it was delivered."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"


class IdForm(StrEnum):
    """How a customer is told the id of a message."""

    DECIMAL = "decimal"
    HEX = "hex"


class BindType(StrEnum):
    """How we bind to a carrier."""

    TRANSCEIVER = "transceiver"
    TRANSMITTER = "transmitter"
    RECEIVER = "receiver"
    PAIR = "pair"


class InterfaceVersion(StrEnum):
    """Which SMPP we say that we speak when we bind to a carrier (SMPP 3.4 section 5.2.4)."""

    V33 = "3.3"
    V34 = "3.4"
    V50 = "5.0"

    @property
    def octet(self) -> int:
        """What stands for it in a bind."""
        major, _, minor = self.value.partition(".")
        return int(major) << 4 | int(minor)


class BindErrors(StrEnum):
    """Whether a refused bind learns which of its credentials is wrong."""

    EXACT = "exact"
    UNIFORM = "uniform"


class Consent(StrEnum):
    """What shows that a recipient agreed: the contract's warranty, or a record (contract clause 1(2))."""

    DECLARED = "declared"
    LISTED = "listed"


class OptOutScope(StrEnum):
    """Whom a recipient's TD silences: the customer, the signature that it answers, or every customer."""

    CUSTOMER = "customer"
    SIGNATURE = "signature"
    OPERATOR = "operator"


class ClientCertificate(StrEnum):
    """Whether a TLS connection without a certificate of the customer's is let in."""

    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Throttle:
    """A token bucket: `rate_per_s` segments a second, at most `burst` at once. A rate of 0 blocks."""

    rate_per_s: float
    burst: int


@dataclass(frozen=True, slots=True)
class Caps:
    """Units that an account may have accepted in a day and in a month of the operator's zone; None is any."""

    units_per_day: int | None = None
    units_per_month: int | None = None


@dataclass(frozen=True, slots=True)
class Timers:
    """The session timers of SMPP 3.4 section 7.2; `inactivity_s` 0 switches that one off."""

    session_init_s: float = 10.0
    enquire_link_s: float = 30.0
    response_s: float = 10.0
    inactivity_s: float = 0.0
    unbind_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Contract:
    """The signed paper behind an account (contract, head; clauses 八 and 九).

    It holds from `signed_on` to `expires_on`, both days included; None is for good. `document_sha256` is the
    hash of the paper's file, in hexadecimal; "" if nobody has told it.
    """

    number: str
    customer: str
    operator: str
    signed_on: date
    expires_on: date | None = None
    document_sha256: str = ""

    def holds_on(self, day: date) -> bool:
        """Whether the contract is in force on a day of the operator's zone."""
        return self.signed_on <= day and (self.expires_on is None or day <= self.expires_on)


@dataclass(frozen=True, slots=True)
class ReceiptFormat:
    """How the receipts of an account are written.

    `message_id` is the form of the id in text and TLV, `date_digits` 10 (YYMMDDhhmm), 12 (and seconds) or 14
    (and the century). `tlvs` says which TLVs of ours they carry; None is none, a carrier's own included.
    """

    message_id: IdForm = IdForm.DECIMAL
    date_digits: int = 10
    tlvs: ReceiptTlvs | None = ALL_TLVS


@dataclass(frozen=True, slots=True)
class Recipients:
    """Whom an account may write to, and how often (contract clauses 1(2) and 十).

    With LISTED, messages of the classes in `consent_for` need a consent of that kind.
    """

    consent: Consent = Consent.DECLARED
    consent_for: frozenset[MessageClass] = frozenset({MessageClass.COMMERCIAL})
    members_only: bool = False
    opt_out_scope: OptOutScope = OptOutScope.CUSTOMER
    frequency: tuple[Cap, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """One customer: how it binds, what it may send, under which contract."""

    name: str
    system_id: str
    password_hash: str
    contract: Contract
    ruleset: Ruleset
    allowed_networks: tuple[IPv4Network | IPv6Network, ...]
    source_addrs: tuple[str, ...]
    default_alphabet: Alphabet
    segments: SegmentsMode
    statuses: StatusStyle
    explain: bool
    in_doubt: InDoubtPolicy
    binds_max: int
    window_max: int
    delivery_window_max: int
    queue_max: int
    throttle: Throttle | None
    timers: Timers
    message_ids: IdForm = IdForm.DECIMAL
    receipts: ReceiptFormat = ReceiptFormat()
    tls: bool = False
    client_certificate: str | None = None
    throttle_per_source: Throttle | None = None
    caps: Caps | None = None
    recipients: Recipients = Recipients()
    charge: Charge = Charge.ACCEPTED


@dataclass(frozen=True, slots=True)
class CarrierTls:
    """TLS to a carrier: `ca` are the roots to trust (None: the system's), `certificate` and `key` are ours.

    `server_name` is the name that its certificate must have; None is that of its host.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class Carrier:
    """One SMSC that we bind to, with `binds` sessions that share nothing but its name and its receipts."""

    name: str
    host: str
    port: int
    system_id: str
    password: str
    system_type: str
    bind_type: BindType
    binds: int
    window_max: int
    rate: Throttle | None
    source_addr: str | None
    temporary_statuses: frozenset[int]
    receipt_zone: ZoneInfo
    reconnect_min_s: float
    reconnect_max_s: float
    timers: Timers
    long_messages: LongForm = LongForm.UDH8
    septets_packed: bool = False
    notations: Notations = GUESSED
    receipt_states: Mapping[str, MessageState] = field(default_factory=dict)
    receipts_by_text: bool = True
    unknown_is_final: bool = False
    one_receipt_a_message: bool = False
    interface_version: InterfaceVersion = InterfaceVersion.V34
    tls: CarrierTls | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Messages of `account` (None: any) to numbers that start with `prefix` go to `carriers`, in order.

    `tlvs` are the tags that pass on it, both ways, though the specification does not have them there.
    """

    account: str | None
    prefix: str
    carriers: tuple[str, ...]
    tlvs: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class ListenTls:
    """The port for TLS, with our chain and its key; `client_ca` has the roots of customers' certificates."""

    port: int
    certificate: Path
    key: Path
    client_ca: Path | None = None
    client_certificate: ClientCertificate = ClientCertificate.OPTIONAL


@dataclass(frozen=True, slots=True)
class Listen:
    """Where customers connect: at `port` if `plain`, and at that of `tls` if there is one.

    Connections from `proxy_networks` begin with a header of the PROXY protocol.
    """

    host: str
    port: int
    connections_max: int
    connections_per_address_max: int = 100
    session_init_s: float = 10.0
    bind_errors: BindErrors = BindErrors.EXACT
    proxy_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    tls: ListenTls | None = None
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Admin:
    """The loopback HTTP port with health and metrics; port 0 in the file means no admin port (None here)."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Log:
    """How to log: `format` is json or console, `level` a standard level name; how much, see `log_limit`."""

    format: str
    level: str
    lines_per_s: float = 2.0
    subjects_max: int = 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """The sizes of everything that can grow, and how long things may take."""

    batch_max: int = 1000
    intake_max: int = 10_000
    inbound_max: int = 10_000
    deliveries_max: int = 2000
    pdu_max: int = 70_000
    send_buffer_max: int = 4_194_304
    send_stall_s: float = 30.0
    late_max: int = 1000
    refusals_per_s: float = 200.0
    wrong_passwords_max: int = 10
    password_checks_max: int = 4
    message_ttl_s: float = 172_800.0
    in_doubt_s: float = 86_400.0
    receipt_ttl_s: float = 604_800.0
    retry_min_s: float = 1.0
    retry_max_s: float = 300.0
    drain_s: float = 10.0
    segments_max: int = 20
    reassembly_s: float = 60.0
    reassemblies_max: int = 2000
    reassembly_octets_max: int = 4_194_304
    lockout_max_s: float = 900.0
    sources_max: int = 10_000
    template_places_max: int = PLACES_MAX


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days records are kept, 0 being for ever: by class, and those of what recipients send.

    What is older is purged once a day, when it is `purge_at` in the operator's zone.
    """

    commercial_days: int = 0
    notice_days: int = 0
    code_days: int = 0
    reply_days: int = 0
    purge_at: time = time(3)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the file says. `accounts` is keyed by system_id, `carriers` by name.

    `content` is the filter that all accounts share; an account's ruleset has it as its trades permit.
    `account_page` is where customers look at their accounts, each request in session_init_s; None is nowhere.
    """

    node: int
    zone: ZoneInfo
    country_code: str
    store_path: Path
    listen: Listen
    admin: Admin | None
    log: Log
    limits: Limits
    accounts: Mapping[str, Account]
    carriers: Mapping[str, Carrier]
    routes: tuple[Route, ...]
    content: ContentFilter
    retention: Retention = Retention()
    working_days: WorkingDays = field(default_factory=WorkingDays)
    account_page: Listen | None = None
