"""Hold what is asked for against what providers offer: where a droplet goes, or why it cannot be."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from clustergenie import placement
from clustergenie.droplets.models import DropletSpec
from clustergenie.platform.errors import Invalid, Problem, Unavailable, invalid


class Unplaceable(Invalid):
    """No provider can take a droplet like this."""


class ProviderSilent(Unavailable):
    """A provider has not said yet what it offers."""


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """What can be had right now; `silent` are the providers that have never answered, with the reason."""

    offers: list[placement.Offer]
    default_provider: str | None = None
    silent: Mapping[str, str] = {}


def place(spec: DropletSpec, market: Market, at: str = "") -> placement.Candidate:
    """The best offer for a droplet like this. Raises Invalid pointing below `at`, Unplaceable, ProviderSilent."""
    wish = placement.Wish(
        provider=spec.provider,
        region=spec.region,
        size=spec.size,
        image=spec.image,
        default_provider=market.default_provider,
    )
    _heard(wish, market)
    _known(wish, market, at)
    best = placement.choose(wish, market.offers)
    if best is None:
        ranked = placement.rank(wish, market.offers)
        reasons = list(dict.fromkeys(one.rejected_because for one in ranked if one.rejected_because))
        raise Unplaceable("No provider can take this droplet: " + "; ".join(map(str, reasons[:5])) + ".")
    return best


def _heard(wish: placement.Wish, market: Market) -> None:
    """Whoever is asked for, or would be first choice, must have spoken: a wish does not go elsewhere meanwhile."""
    name = wish.provider or wish.default_provider
    if name is not None and name in market.silent:
        raise ProviderSilent(
            f"{name} has not said yet what it offers ({market.silent[name]}); try again shortly.", retry_after=1
        )


def _known(wish: placement.Wish, market: Market, at: str) -> None:
    theirs = [offer for offer in market.offers if wish.provider in (None, offer.provider)]
    any_region, any_image = any(offer.any_region for offer in theirs), any(offer.any_image for offer in theirs)
    _check(at, "provider", wish.provider, (offer.provider for offer in market.offers))
    _check(at, "size", wish.size, (offer.size for offer in theirs))
    _check(at, "region", None if any_region else wish.region, (offer.region for offer in theirs))
    _check(at, "image", None if any_image else wish.image, (image for offer in theirs for image in offer.images))


def _check(at: str, name: str, value: str | None, known: Iterable[str]) -> None:
    if value is not None and value not in (choices := set(known)):
        raise invalid(f"{at}/{name}", f"there is no {name} {value!r}; known: {', '.join(sorted(choices)) or 'none'}")


_open: list[Callable[[], Market]] = []


def open_market(market: Callable[[], Market]) -> None:
    """Where wishes are held against from now on as soon as they are asked for."""
    _open[:] = [market]


def objection(spec: DropletSpec, at: str = "") -> Problem | None:
    """Why no droplet could ever be like this, if that is known at once; what may pass is no objection."""
    if not _open or (spec.provider, spec.region, spec.size, spec.image) == (None, None, None, None):
        return None
    try:
        place(spec, _open[0](), at)
    except (Unplaceable, Unavailable):
        return None
    except Invalid as problem:
        return problem
    return None
