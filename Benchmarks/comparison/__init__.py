"""What the comparisons of Reprise with other servers share."""
