"""The stages of the installation of Dify on a host: what each brings there, and which others it needs."""
