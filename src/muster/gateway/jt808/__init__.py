"""JT/T 808-2011, -2013 and -2019: what vehicle terminals in China speak over TCP."""
