-- Documents of the case that become part of the minutes: a JSON list of their ids, in order.
ALTER TABLE minutes ADD COLUMN annexes TEXT NOT NULL DEFAULT '[]';
