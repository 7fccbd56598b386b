#!/bin/sh
exec stand-in celery "$@"
