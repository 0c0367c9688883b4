"""Why no broker answers: what every command says then, whatever it wanted of Kafka."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Final

HANDSHAKE_SECONDS: Final = 3.0
"""A listener that speaks TLS answers within a few round trips; a PLAINTEXT one closes, or waits for more."""


def unreachable(brokers: str | Sequence[str]) -> str:
    """The one line about brokers ("host:port", …) of which none answers."""
    names = brokers if isinstance(brokers, str) else ",".join(brokers)
    return f"no Kafka broker answers at {names}; PAGERLINE_BROKERS must name one that runs and can be reached from here"


def diagnose(options: Mapping[str, Any]) -> str:
    """The same for the options of a Kafka client that could not connect, after a look at the TLS between."""
    brokers: Sequence[str] = options["bootstrap_servers"]
    context: ssl.SSLContext | None = options.get("ssl_context")
    if context is not None:
        for broker in brokers:
            if problem := _tls_problem(broker, context):
                return problem
    if "sasl_mechanism" in options:
        return f"{unreachable(brokers)}, and know PAGERLINE_KAFKA_USERNAME with its password"
    return unreachable(brokers)


def _tls_problem(broker: str, context: ssl.SSLContext) -> str | None:
    host, _, port = broker.rpartition(":")
    try:
        plain = socket.create_connection((host.strip("[]"), int(port)), timeout=HANDSHAKE_SECONDS)
    except OSError:
        return None  # nobody listens, which has nothing to do with TLS
    try:
        with plain, context.wrap_socket(plain, server_hostname=host.strip("[]")):
            return None
    except ssl.SSLCertVerificationError as error:
        why = error.verify_message
        return f"TLS failed at {broker}: the certificate was not accepted ({why}); see PAGERLINE_KAFKA_CA_FILE"
    except OSError:  # ssl.SSLError and TimeoutError are
        return (
            f"TLS failed at {broker}; is this a PLAINTEXT listener? "
            "See PAGERLINE_KAFKA_SECURITY_PROTOCOL and the port in PAGERLINE_BROKERS"
        )
