"""The record of decisions: appended before the answer leaves, chained, so that what is changed or missing is found."""
