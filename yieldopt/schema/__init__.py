"""The only declaration of an input's shape: flow file, model files, case file."""
