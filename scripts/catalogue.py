"""The tables of docs/weights.md, from the cards."""

from itertools import groupby

from ganzoo_hub.catalogue import OURS, Card

__all__ = ["tables"]


def tables() -> str:
    """A table for each architecture, a row for each card."""
    cards = [OURS.card(name) for name in OURS.names()]
    parts = []
    for architecture, group in groupby(cards, key=lambda card: card.architecture):
        rows = ["| name | what it draws | licence of the weights | published score |", "| --- | --- | --- | --- |"]
        parts.append("\n".join([f"### {architecture}", "", *rows, *map(row, group)]))
    return "\n\n".join(parts)


def row(card: Card) -> str:
    """Name, summary, licence and the first score."""
    score = card.block["score"]
    first = f"{score[0]['metric']} {score[0]['value']}" if isinstance(score, list) else ""
    link = f"[`{card.name}`](../model_cards/{card.name}.md)"
    return f"| {link} | {card.block['summary']} | {card.licences['weights'].partition(':')[0]} | {first} |"
