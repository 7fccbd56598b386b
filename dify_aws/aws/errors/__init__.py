"""What AWS answers when a call fails: what the error means, and our error with the advice for it."""
