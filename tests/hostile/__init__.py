"""Hostile names, files and folders through every command."""
