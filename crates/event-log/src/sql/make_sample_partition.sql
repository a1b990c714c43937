SELECT make_sample_partition(now() + make_interval(hours => $1))
