"""FHIR R4 in and out: resources to a referral, an answer to resources. Knows nothing of the web."""
