"""What every record is made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A record that cannot be changed, knows no other fields than its own, and holds no NaN and no infinity.

    A record that keeps further fields says so: ``class Item(Record, extra="allow")``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
