"""Score every provider, region and size against a wish; pure, so that the same facts give the same answer."""

from collections.abc import Iterable, Sequence

import msgspec


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted; None leaves the choice to us."""

    provider: str | None = None
    region: str | None = None
    size: str | None = None
    image: str | None = None
    default_provider: str | None = None


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One provider, region and size to be had. With `any_region` or `any_image`, slugs are only labels there."""

    provider: str
    region: str
    size: str
    hourly_usd_micros: int
    memory_mb: int
    available: bool = True
    any_region: bool = False
    any_image: bool = False
    images: tuple[str, ...] = ()
    in_use: int = 0


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An offer with its score (higher is better) and the sentence that explains it; `rejected_because` or null."""

    provider: str
    region: str
    size: str
    hourly_usd_micros: int
    score: float
    why: str
    rejected_because: str | None = None


def rank(wish: Wish, offers: Iterable[Offer]) -> list[Candidate]:
    """All offers, those that fit first, best first; ties by price, then by name, so that the order is stable.

    Score: 50 for the named or default provider, 30 for the very region, up to 20 for a low price, and up to 10 for a
    provider that carries little yet.
    """
    offers = list(offers)
    dearest = max((offer.hourly_usd_micros for offer in offers), default=0)
    fullest = max((offer.in_use for offer in offers), default=0)
    ranked = [_candidate(wish, offer, dearest, fullest) for offer in offers]
    return sorted(
        ranked,
        key=lambda one: (
            one.rejected_because is not None, -one.score, one.hourly_usd_micros, one.provider, one.region, one.size,
        ),
    )  # fmt: skip


def choose(wish: Wish, offers: Sequence[Offer]) -> Candidate | None:
    """The best that fits, or None."""
    best = next(iter(rank(wish, offers)), None)
    return best if best is not None and best.rejected_because is None else None


def _candidate(wish: Wish, offer: Offer, dearest: int, fullest: int) -> Candidate:
    parts: list[tuple[float, str]] = []
    if wish.provider == offer.provider:
        parts.append((50.0, "the provider asked for"))
    elif wish.provider is None and wish.default_provider == offer.provider:
        parts.append((50.0, "the default provider"))
    if wish.region == offer.region:
        parts.append((30.0, "the region asked for"))
    elif wish.region is not None and offer.any_region:
        parts.append((15.0, f"region {wish.region} is a label here"))
    cheap = 20.0 * (1 - offer.hourly_usd_micros / dearest) if dearest else 20.0
    parts.append((cheap, f"${offer.hourly_usd_micros / 1e6:.4f}/h"))
    light = 10.0 * (1 - offer.in_use / fullest) if fullest else 10.0
    parts.append((light, f"{offer.in_use} droplets there"))
    return Candidate(
        provider=offer.provider,
        region=wish.region if wish.region is not None and offer.any_region else offer.region,
        size=offer.size,
        hourly_usd_micros=offer.hourly_usd_micros,
        score=round(sum(points for points, _ in parts), 2),
        why="; ".join(f"{words} (+{points:.1f})" for points, words in parts),
        rejected_because=_objection(wish, offer),
    )


def _objection(wish: Wish, offer: Offer) -> str | None:
    if wish.provider is not None and wish.provider != offer.provider:
        return f"provider {wish.provider} was asked for"
    if wish.region is not None and wish.region != offer.region and not offer.any_region:
        return f"it is in {offer.region}, not {wish.region}"
    if wish.size is not None and wish.size != offer.size:
        return f"size {wish.size} was asked for"
    if wish.image is not None and not offer.any_image and wish.image not in offer.images:
        return f"it has no image {wish.image}"
    if not offer.available:
        return "it is not available right now"
    return None
