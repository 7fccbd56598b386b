"""Stands for Dify's own commands: ``flask reset-password``, which asks for what it needs on its standard input."""

import sys

from tests.e2e.bed.stand_ins.console import PASSWORD, hashed
from tests.e2e.bed.stand_ins.database import Database


def _requests(question: str) -> str:
    """An answer. As with click, nothing is shown of it, and an input that ends early aborts."""
    sys.stdout.write(f"{question}: ")
    answer = sys.stdin.readline()
    if not answer:
        sys.exit("Aborted!")
    return answer.rstrip("\n")


def main() -> None:
    """Ends with status 0 whatever comes of it, like Dify's, and says what did."""
    if sys.argv[1:] != ["reset-password"]:
        sys.exit(f"Error: No such command {sys.argv[1:]}.")
    email, password, again = _requests("Email"), _requests("New password"), _requests("Password confirm")
    sys.stdout.write(f"{_reset(email, password, again)}\n")


def _reset(email: str, password: str, again: str) -> str:
    if password.strip() != again.strip():
        return "Passwords do not match."
    database = Database()
    if not database.ask("SELECT email FROM accounts WHERE email = :'email'", email=email):
        return f"Account not found for email: {email}"
    if not PASSWORD.fullmatch(password):
        return f"Invalid password. Must match {PASSWORD.pattern}"
    change = "UPDATE accounts SET password = :'password' WHERE email = :'email'"
    database.ask(change, email=email, password=hashed(password))
    return "Password reset successfully."


if __name__ == "__main__":
    main()
