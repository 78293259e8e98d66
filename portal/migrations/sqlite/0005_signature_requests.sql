-- While a certificate and a code are being asked for, nobody asks for another.
ALTER TABLE signature_signers ADD COLUMN asked_at TEXT;
