"""Every signature and document time stamp of every file by pyHanko: referees.py ROOT.pem FILE.pdf…

Prints a line for each; fails when one is not accepted. Files whose name says so are hybrid-reference
files, which pyHanko reads when it is told to.
"""
import sys

from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko_certvalidator import ValidationContext

root, *documents = sys.argv[1:]
passed = True
for document in documents:
    with open(document, "rb") as file:
        reader = PdfFileReader(file, strict="hybrid" not in document)
        context = lambda: ValidationContext(
            trust_roots=[load_cert_from_pemder(root)], allow_fetching=False
        )
        results = []
        for one in reader.embedded_regular_signatures:
            status = validate_pdf_signature(one, context())
            results.append((status.bottom_line, status.summary()))
        for one in reader.embedded_timestamp_signatures:
            status = validate_pdf_timestamp(one, context())
            results.append((status.intact and status.valid and status.trusted, status.summary()))
        for accepted, summary in results:
            print("accepted" if accepted else "REFUSED", document, summary)
            passed = passed and accepted
sys.exit(0 if passed else 1)
