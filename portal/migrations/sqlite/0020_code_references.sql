-- What the trust service calls the code that it sent for a credential: it comes back with the code.
ALTER TABLE signature_credentials ADD COLUMN code_reference TEXT;
