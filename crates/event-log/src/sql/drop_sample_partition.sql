SELECT drop_sample_partition(now() - make_interval(secs => $1))
