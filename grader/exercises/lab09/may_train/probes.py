"""What may_train is asked: made-up terms, so that no answer can be known by a name."""

from __future__ import annotations

from utils.checks.records import Probe

MOST = 700_000_000


def draw(stream):
    number = iter((100 + stream.permutation(800)).tolist())

    def new(word):
        return f"{word}-{next(number)}"

    free, trade, limited, study = (new(word) for word in ("Open", "Not-for-trade", "Limited", "Study"))
    capped = new("Capped")
    rival, host = new("Nimbus"), new("Relay")
    day, before, after = (f"20{year}-0{stream.integers(1, 10)}-1{stream.integers(10)}" for year in (25, 24, 26))
    few, other = (int(users) for users in stream.integers(1_000_000, 9_000_000, 2))
    above, below = MOST + int(stream.integers(1, 9)), MOST - int(stream.integers(1, 9))

    def terms(research, product, competing, **others):
        uses = {"research": research, "product": product, "competing": competing}
        rest = {"date": None, "most_users": None, "duties": [], "condition": "…", "source": "…", "read": after}
        return {"uses": {purpose: answer for purpose, answer in uses.items() if answer}} | rest | others

    policy = {
        free: terms("yes", "yes", "yes"),
        trade: terms("yes", "no", "no"),
        limited: terms("yes", "yes", "ask", most_users=MOST, duties=["The student's name begins with Limited."]),
        capped: terms("yes", "no", "no", most_users=MOST),
        study: terms("yes", None, None),
        rival: terms("yes", "ask", "no", date=day),
        host: terms("yes", "yes", "yes", date=day, duties=["Name the host."]),
    }

    def source(licence, provider=None, terms_date=None):
        return {"model": new("model"), "licence": licence, "provider": provider, "terms_date": terms_date}

    def probe(name, writer, purpose="product", base=None, chain=(), **others):
        whole = {"data_licence": None, "users_at_release": few, "users_now": other, "product_users": other // 2}
        record = writer | {"base": base, "chain": list(chain), "purpose": purpose} | whole | others
        return Probe(name, {"record": record, "policy": policy})

    def open_(provider=None, terms_date=None):
        return source(free, provider, terms_date)

    def closed():
        return source(None, rival, day)

    unknown, unread = source(None), source(new("Unheard"))
    yield probe("free weights", open_())
    yield probe("not for trade, for a product", source(trade))
    yield probe("not for trade, for research", source(trade), "research")
    yield probe("a provider that forbids rivals, for research", closed(), "research")
    yield probe("a provider that forbids rivals, for a rival", closed(), "competing")
    yield probe("a provider that forbids rivals, for a product", closed())
    yield probe("terms that the policy lacks", unread)
    yield probe("no terms known", unknown)
    yield probe("a purpose that the terms do not name", source(study))
    yield probe("free weights from a provider that forbids rivals, for a rival", open_(rival, day), "competing")
    yield probe("weights not for trade from a provider that allows it", source(trade, host, day))
    yield probe("free weights from a provider that the policy lacks", open_(new("Cloud"), day))
    yield probe("free weights from a provider that allows it", open_(host, day))

    yield probe("a free data set of a model not for trade", source(trade), data_licence=free)
    yield probe("a free data set of a model without known terms", source(None), data_licence=free)
    yield probe("a data set not for trade of a free model", open_(), data_licence=trade)
    yield probe("a data set of unread terms of a free model", open_(), data_licence=new("Unheard"))
    yield probe("a free data set of a free model", open_(), data_licence=free)

    yield probe("a free base", open_(), base=open_())
    yield probe("a base not for trade", open_(), base=source(trade))
    yield probe("a base without known terms", open_(), base=source(None))
    yield probe("tuned on free text", open_(), "competing", chain=[open_(), open_()])
    yield probe("tuned on a rival's text", open_(), "competing", chain=[closed()])
    yield probe("the rival is first of three", open_(), "competing", chain=[closed(), open_(), open_()])
    yield probe("the rival is second of three", open_(), "competing", chain=[open_(), closed(), open_()])
    yield probe("the rival is last of three", open_(), "competing", chain=[open_(), open_(), closed()])
    yield probe("the unknown before the rival", open_(), "competing", chain=[source(None), closed()])
    yield probe("the unknown behind the rival", open_(), "competing", chain=[closed(), source(None)])
    yield probe("one unknown among three", open_(), chain=[open_(), source(None), open_()])

    yield probe("fewer users than the limit", source(limited), users_at_release=below)
    yield probe("as many users as the limit", source(limited), users_at_release=MOST)
    yield probe("more users than the limit, fewer today", source(limited), users_at_release=above)
    yield probe("more users than the limit today", source(limited), users_now=above)
    yield probe(
        "more users than the limit today, all of the product", source(limited), users_now=above, product_users=above
    )
    yield probe("unknown users", source(limited), users_at_release=None)
    yield probe("a base with a limit", open_(), base=source(limited), users_at_release=above)
    yield probe("more users than the limit, and a question", source(limited), "competing", users_at_release=above)

    yield probe("fewer users than the limit, and a question", source(limited), "competing", users_at_release=below)
    yield probe("unknown users, and a refusal", source(capped), users_at_release=None)

    yield probe("the version that was read", source(None, host, day))
    yield probe("an older version", source(None, host, before))
    yield probe("a newer version", source(None, host, after))
    yield probe("an unknown version", source(None, host))
    yield probe("another version of terms that forbid it", source(None, rival, before), "competing")
    yield probe("an older version in the chain", source(None, host, day), chain=[source(None, host, before)])
    yield probe("the version that was read, in the chain", open_(), chain=[source(None, host, day)])
