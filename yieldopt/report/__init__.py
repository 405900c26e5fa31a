"""Answers for people and scripts: formatting only, no arithmetic."""
