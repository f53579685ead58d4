"""Everything between a model and its pruned form. Installed as `tflm_unit.converter`."""
