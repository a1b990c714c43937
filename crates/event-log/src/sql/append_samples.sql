SELECT append_samples($1, $2)
