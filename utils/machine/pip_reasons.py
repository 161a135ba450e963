"""Why did pip find no package?  pip's first answer seldom says: the cause appears when it is asked again, in detail.

A package that is named in a constraints file and of which pip finds no file is reported as a conflict of versions,
whatever the cause: no network, a certificate, a proxy, an index without such a build.  So `missing_in` reads from the
failure which packages to ask about, `question` asks pip about one of them, and `reason_in` reads the answer.
Only the standard library is needed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

HOLDS_NO_ANSWER = True

_NOT_FETCHED = re.compile(r"Could not fetch URL (\S+): (.*) - skipping")
_HTTP_STATUS = re.compile(r"\b([45]\d\d) (?:Client|Server) Error: (.+?) for url|too many ([45]\d\d) error responses")
_OTHER_TAGS = re.compile(r"none of the wheel's tags \((\S+?)\).* are compatible.*/([^/#\s]+\.whl)")
FOLDER = (
    "Connect this computer to a network; or, on one that is, fill a folder (pip download -r requirements.txt"
    " -c constraints.txt -d FOLDER), bring it here and start with PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER."
)


@dataclass(frozen=True)
class Reason:
    """What was wrong, as a clause without a full stop, and what to do, as a sentence or ""."""

    cause: str
    advice: str


def missing_in(lines: Iterable[str]) -> list[str]:
    """The requirements, such as "torch==2.13.0", of which pip may have found no file, from the output of its failure.

    In a conflict these are all constraints: only the second question tells a missing file from a true conflict.
    """
    found = []
    for line in lines:
        if "No matching distribution found for " in line:
            found.append(line.partition("No matching distribution found for ")[2].partition(" (")[0])
        elif "The user requested (constraint) " in line:
            found.append(line.partition("(constraint) ")[2])
    return list(dict.fromkeys(requirement.strip() for requirement in found))


def question(requirement: str) -> tuple[str, ...]:
    """The arguments of pip that make it say, without installing anything, where it looked and what it met there."""
    return ("install", "--dry-run", "--no-deps", "-vv", "--retries", "0", "--timeout", "15", requirement)


def reason_in(answer: list[str], requirement: str) -> Reason | None:
    """The reason in pip's answer to `question`; None where pip found the package after all, or tells nothing."""
    if not any("No matching distribution found" in line for line in answer):
        return None
    name, _, version = requirement.partition("==")
    unsafe = next((line for line in answer if "is not a trusted or secure host" in line), "")
    if unsafe:
        host = unsafe.partition("located at ")[2].partition(" ")[0]
        advice = f"Give its https address, or trust it as it is: PIP_TRUSTED_HOST={host}."
        return Reason(f"pip leaves out the package index at {host}, because its address is not https", advice)
    failures = [match.groups() for match in map(_NOT_FETCHED.search, answer) if match]
    for url, why in failures:
        if "404 Client Error" not in why:
            return _of_failure(url, why)
    if any(line.startswith("Ignoring indexes") for line in answer):
        return Reason(
            "pip is told to ask no package index, and the folder that it may look into does not have it", FOLDER
        )
    if not any("Fetching project page" in line for line in answer):
        return None
    return _of_what_the_index_has(answer, version) or Reason(
        f"the package index answers and does not have {name}", "Look at its address: PIP_INDEX_URL, `pip config list`."
    )


def _of_failure(url: str, why: str) -> Reason:
    """The reason why an address could not be fetched."""
    index = re.sub(r"//[^/@]*@", "//", url).split("/simple/")[0]  # an address may hold a password
    tls = re.search(r"\[SSL(?:: \w+)?\]? ?(?:certificate verify failed: )?(.+?) \(_ssl", why)
    if "CERTIFICATE_VERIFY_FAILED" in why or "self-signed certificate" in why:
        detail = tls[1] if tls else "certificate verify failed"
        if "expired" in detail or "not yet valid" in detail:
            return Reason(f"the certificate of {index} is refused ({detail})", "Check this computer's date and time.")
        advice = "Where a company or a school looks into the traffic, give its certificate: PIP_CERT=FILE."
        return Reason(f"the certificate of {index} is not trusted here ({detail})", advice)
    if "407 Proxy" in why:
        return Reason(
            "the proxy asks for a name and a password (407)",
            "Put them into its address: HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT.",
        )
    if any(sign in why for sign in ("ProxyError", "proxy connection error", "Tunnel connection failed")):
        refused = re.search(r"Tunnel connection failed: ([^')]+)", why)
        said = f"refuses to pass this on ({refused[1]})" if refused else "does not answer"
        return Reason(f"the proxy {said}", "Check the address in HTTPS_PROXY, or ask who runs the network.")
    if tls:
        return Reason(f"{index} does not speak https ({tls[1]})", "Check the address in PIP_INDEX_URL and HTTPS_PROXY.")
    status = _HTTP_STATUS.search(why)
    if status:
        answer = f"{status[1]} {status[2]}" if status[1] else status[3]
        wait = int(status[1] or status[3]) >= 500
        advice = "Try again later." if wait else "Check its address and your access (PIP_INDEX_URL, `pip config list`)."
        return Reason(f"the package index {index} answers with {answer}", advice)
    return Reason(f"no package index answers ({index}: {_short(why)})", FOLDER)


def _of_what_the_index_has(answer: list[str], version: str) -> Reason | None:
    """The reason where an index answered and has other files of the package; None where it has none at all."""
    other_pythons = [line for line in answer if "require a different python version" in line.lower()]
    if version and any(f"{version} Requires-Python" in line for line in other_pythons):
        needs = other_pythons[0].partition("Requires-Python ")[2].partition(";")[0].strip()
        return Reason(f"version {version} needs Python {needs}", "Start the course with such a Python.")
    tags = [match for match in map(_OTHER_TAGS.search, answer) if match and f"-{version}" in match[2]]
    if tags:
        listed = ", ".join(dict.fromkeys(match[1] for match in tags[:3]))
        return Reason(
            f"there are files of version {version}, and none for this computer and Python (but for {listed})",
            "Another Python of the course's range may have one; `python3 course.py doctor` says which this is.",
        )
    others = next((line for line in answer if "(from versions: " in line and "(from versions: none)" not in line), "")
    if others:
        versions = others.partition("(from versions: ")[2].partition(")")[0].split(", ")
        return Reason(
            f"the package index answers and has only {', '.join(versions[-3:])}",
            "A mirror may lag behind: choose another with PIP_INDEX_URL.",
        )
    return None


def _short(why: str) -> str:
    """The heart of a connection error, whichever of its forms this pip uses."""
    for sign, words in (
        ("Name or service not known", "its name is not known here"),
        ("Temporary failure in name resolution", "its name is not known here"),
        ("getaddrinfo failed", "its name is not known here"),
        ("nodename nor servname", "its name is not known here"),
        ("refused", "connection refused"),
        ("unreachable", "network unreachable"),
        ("timed out", "no answer in time"),
        ("timeout", "no answer in time"),
        ("didn't respond", "no answer in time"),
    ):
        if sign.lower() in why.lower():
            return words
    return why[:100]
