"""FHIR R4 Bulk Data to the tables of a cohort, with the EHR door's own reading: grouped by patient on disk, then read."""
