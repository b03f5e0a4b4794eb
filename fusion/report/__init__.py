"""Pages: recordings before and after in, one self-contained HTML file out.

`report` is about one recording, `cohort_report` about many.
"""

from neurofuse.fusion.report.cohort import cohort_report
from neurofuse.fusion.report.cohort_row import CohortRow, cohort_row
from neurofuse.fusion.report.single import report

__all__ = ["CohortRow", "cohort_report", "cohort_row", "report"]
